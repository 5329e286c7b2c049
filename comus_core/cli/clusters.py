"""`comus clusters RUN` and what a person decides on its categories: merge, split, reject, move, undo and the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, get_args

import click

from comus_core import curation
from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.config import FilterBy
from comus_core.curation.decision_words import step_words
from comus_core.curation.merge_suggestions import ConfusedPair, confused_pair
from comus_core.files.output_file import OutputFile
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring import score_tables
from comus_core.scoring.cluster_summary import ClusterSummary, summaries
from comus_core.scoring.run_scores import frozen_matching
from comus_core.scoring.view_scores import score_view
from comus_core.text import counted
from comus_core.workspace import open_workspace
from comus_core.workspace.decisions import Decisions

RUN = click.argument("run_name", metavar="RUN")
ONE = click.argument("name", metavar="CLUSTER")
SEVERAL = click.argument("names", metavar="CLUSTER…", nargs=-1, required=True)


class _Listing(click.Group):
    """A group whose own verb, where none is named, is `list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Listing, options_metavar="", subcommand_metavar="RUN | VERB RUN …")
def clusters() -> None:
    """List the clusters of RUN, or decide on them.

    A CLUSTER is named by its id, which never changes, or by its name. Every decision can be undone, and all that
    follows (scores, pseudo-masks, training, exports) goes by what is decided.
    """


@clusters.command("list")
@RUN
@WORKSPACE
@JSON
def listing(run_name: str, workspace: str | None, json_file: OutputFile | None) -> None:
    """List the clusters of RUN: id, name, size, core, purity and IoU with ground truth; and the most confused two."""
    place = open_workspace(workspace)
    view = open_run_view(place, place.runs.find(run_name))
    decided = curation.decided_in(view)
    rows = cluster_rows(view, decided)
    pair = _confused(view, decided)
    told = asdict(pair) if pair is not None else None
    give({"run": view.run.id, "version": decided.version, "clusters": rows, "confused": told}, json_file)
    width = max([len(row["name"]) for row in rows] + [4])
    click.echo(f"{'id':>4}  {'name':{width}}  {'size':>6}  {'core':>6}  filter  purity     IoU  class")
    for row in rows:
        click.echo(_line(row, width))
    if pair is not None:
        click.echo(f"most often confused, by {pair.by}: {decided.name_of(pair.one)} and {decided.name_of(pair.other)}")


def cluster_rows(view: RunView, decided: Decisions) -> list[dict[str, Any]]:
    """A JSON object a category, those in use by id, then the rejected ones."""
    matches: Sequence[score_tables.MatchRow] = ()
    if view.has_truth:
        config, labels = view.run.config, view.labels(decided)
        other = config.matching_from
        frozen = frozen_matching(view.workspace, other, labels.C, view.classes) if other else None
        scored = score_view(view, decided, config.matching, filtered=False, frozen=frozen)
        matches = score_tables.match_rows(scored, view.classes, labels)
    id_of = view.categories(decided).id_of
    gone = [
        {"id": k, "name": decided.name_of(k), "rejected": True, "size": int((id_of == k).sum())}
        for k in sorted(decided.layout.rejected)
    ]
    return [_row(s) for s in summaries(view, decided, matches)] + gone


@clusters.command()
@RUN
@ONE
@click.argument("new_name", metavar="NAME", required=False)
@click.option("--reset", is_flag=True, help="Give it back its own name, as `cluster 7`.")
@WORKSPACE
def rename(run_name: str, name: str, new_name: str | None, reset: bool, workspace: str | None) -> None:
    """Call a cluster NAME, or by --reset what it was called before anybody named it."""
    if reset == (new_name is not None):
        raise click.UsageError("give either a NAME or --reset")

    def verb(view: RunView, ids: list[int], seen: int) -> Decisions:
        if new_name is None:
            return curation.reset_name(view, ids[0], based_on=seen)
        return curation.rename(view, ids[0], new_name, based_on=seen)

    _decide(run_name, workspace, verb, [name])


@clusters.command()
@RUN
@SEVERAL
@WORKSPACE
def merge(run_name: str, names: tuple[str, ...], workspace: str | None) -> None:
    """Make one of two clusters or more; it keeps the smallest id."""
    _decide(run_name, workspace, lambda view, ids, seen: curation.merge(view, ids, based_on=seen), names)


@clusters.command()
@RUN
@ONE
@click.option("--parts", type=int, default=2, show_default=True, metavar="N", help="How many parts.")
@click.option("--seed", type=int, metavar="S", help="Of the clustering inside; default: the run's.")
@WORKSPACE
def split(run_name: str, name: str, parts: int, seed: int | None, workspace: str | None) -> None:
    """Cluster the proposals of one cluster among themselves; the largest part keeps its id."""

    def verb(view: RunView, ids: list[int], seen: int) -> Decisions:
        return curation.split(view, curation.propose_split(view, ids[0], parts, seed=seed), based_on=seen)

    _decide(run_name, workspace, verb, [name])


@clusters.command()
@RUN
@SEVERAL
@WORKSPACE
def reject(run_name: str, names: tuple[str, ...], workspace: str | None) -> None:
    """Take clusters out: background in scores, in no training label."""
    _decide(run_name, workspace, lambda view, ids, seen: curation.reject(view, ids, based_on=seen), names)


@clusters.command()
@RUN
@SEVERAL
@WORKSPACE
def restore(run_name: str, names: tuple[str, ...], workspace: str | None) -> None:
    """Take rejected clusters back in."""
    _decide(run_name, workspace, lambda view, ids, seen: curation.restore(view, ids, based_on=seen), names)


@clusters.command()
@RUN
@click.argument("proposals", metavar="PROPOSAL…", nargs=-1, required=True)
@click.option("--to", "target", required=True, metavar="CLUSTER", help="Where to; `none` rejects the proposals.")
@WORKSPACE
def move(run_name: str, proposals: tuple[str, ...], target: str, workspace: str | None) -> None:
    """Put proposals, named by id, into another cluster; the filter keeps them there."""
    named = [] if target == "none" else [target]

    def verb(view: RunView, ids: list[int], seen: int) -> Decisions:
        return curation.move(view, proposals, ids[0] if ids else None, based_on=seen)

    _decide(run_name, workspace, verb, named)


@clusters.command()
@RUN
@click.argument("proposals", metavar="PROPOSAL…", nargs=-1, required=True)
@WORKSPACE
def accept(run_name: str, proposals: tuple[str, ...], workspace: str | None) -> None:
    """Keep proposals, named by id, in training at every filter."""
    _decide(run_name, workspace, lambda view, _, seen: curation.accept(view, proposals, based_on=seen))


@clusters.command()
@RUN
@click.argument("proposals", metavar="PROPOSAL…", nargs=-1, required=True)
@WORKSPACE
def erase(run_name: str, proposals: tuple[str, ...], workspace: str | None) -> None:
    """Take the masks of proposals, named by id, away: background, as if never found."""
    _decide(run_name, workspace, lambda view, _, seen: curation.erase(view, proposals, based_on=seen))


@clusters.command("filter")
@RUN
@click.argument("percent", type=float, required=False)
@click.option("--cluster", "only", metavar="CLUSTER", help="This one alone; default: all.")
@click.option("--by", type=click.Choice(get_args(FilterBy)), help="What proposals are ranked by.")
@WORKSPACE
def filter_(run_name: str, percent: float | None, only: str | None, by: FilterBy | None, workspace: str | None) -> None:
    """Leave PERCENT of the proposals of each cluster out of training, the least certain first."""

    def verb(view: RunView, ids: list[int], seen: int) -> Decisions:
        return curation.set_filter(view, percent, cluster=ids[0] if ids else None, by=by, based_on=seen)

    _decide(run_name, workspace, verb, [only] if only is not None else [])


@clusters.command()
@RUN
@WORKSPACE
def undo(run_name: str, workspace: str | None) -> None:
    """Take the last decision back."""
    _decide(run_name, workspace, lambda view, _, seen: curation.undo(view, based_on=seen))


@clusters.command()
@RUN
@WORKSPACE
def redo(run_name: str, workspace: str | None) -> None:
    """Bring back what was undone last."""
    _decide(run_name, workspace, lambda view, _, seen: curation.redo(view, based_on=seen))


@clusters.command()
@RUN
@WORKSPACE
@JSON
def log(run_name: str, workspace: str | None, json_file: OutputFile | None) -> None:
    """List the decisions in force, oldest first, and those undone."""
    place = open_workspace(workspace)
    view = open_run_view(place, place.runs.find(run_name))
    rows: list[dict[str, Any]] = [asdict(listed) for listed in curation.listed_decisions(view)]
    give({"run": view.run.id, "decisions": rows}, json_file)
    for row in rows:
        click.echo(f"{row['id']:>6}  {row['at'][:19]}  {row['decision']}" + ("  (undone)" if row["undone"] else ""))


def _decide(
    run_name: str,
    workspace: str | None,
    verb: Callable[[RunView, list[int], int], Decisions],
    names: Sequence[str] = (),
) -> None:
    """Decide by what the names meant at one version, and say what was decided and how many clusters there are then."""
    place = open_workspace(workspace)
    view = open_run_view(place, place.runs.find(run_name))
    before = curation.history(view)
    ids = [curation.find_category(view, before.state, name) for name in names]
    decided = verb(view, ids, before.state.version)
    after = curation.history(view)
    taken_back = after.redoable is not None and after.redoable.event == (before.undoable and before.undoable.event)
    step = before.undoable if taken_back else after.undoable
    words = ("undone: " if taken_back else "decided: ") + (step_words(step.before, step.event) if step else "nothing")
    labels = view.labels(decided)
    made = sorted(set(labels.ids) - set(view.labels(before.state).ids))
    new = f"; new: {', '.join(f'{k} ({decided.name_of(k)})' for k in made)}" if made and not taken_back else ""
    click.echo(f"{words}; {counted(labels.C, 'cluster')} now{new}")


def _row(summary: ClusterSummary) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": summary.cluster,
        "name": summary.name,
        "rejected": False,
        "size": summary.size,
        "core": len(summary.core),
        "filter": summary.percent,
        "by_hand": summary.by_hand,
        "confidence": _number(summary.confidence),
        "uncertainty": _number(summary.uncertainty),
    }
    if summary.match is not None:
        row |= {"class": summary.match.class_name, "purity": summary.match.purity, "iou": summary.match.iou}
    return row


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def _confused(view: RunView, decided: Decisions) -> ConfusedPair | None:
    if not view.has_truth:
        return confused_pair(view, decided)
    return confused_pair(view, decided, score_view(view, decided, "majority", filtered=False).contingency)


def _line(row: dict[str, Any], width: int) -> str:
    start = f"{row['id']:>4}  {row['name']:{width}}  {row['size']:>6}"
    if row["rejected"]:
        return f"{start}  rejected"
    line = f"{start}  {row['core']:>6}  {row['filter']:>4g} %"
    if "iou" in row:
        line += f"  {row['purity']:>4.0f} %  {row['iou']:>6.2f}  {row['class'] or '–'}"
    return line

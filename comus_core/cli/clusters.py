"""`comus clusters RUN` and what a person decides on its categories: merge, split, reject, move, undo and the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from comus_core import curation
from comus_core.cli import cluster_names as names
from comus_core.cli.options import JSON, RUN, WORKSPACE, give
from comus_core.cli.verb_command import verb_command
from comus_core.curation.merge_suggestions import ConfusedPair, confused_pair
from comus_core.files.output_file import OutputFile
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring import score_tables
from comus_core.scoring.cluster_summary import ClusterSummary, summaries
from comus_core.scoring.round_scores import score_clusters
from comus_core.verbs import VERBS
from comus_core.workspace import open_workspace
from comus_core.workspace.decisions import Decisions


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
    confused = asdict(pair) if pair is not None else None
    give({"run": view.run.id, "version": decided.version, "clusters": rows, "confused": confused}, json_file)
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
        matches = score_tables.match_rows(score_clusters(view, decided))
    id_of = view.categories(decided).id_of
    gone = [
        {"id": k, "name": decided.name_of(k), "rejected": True, "size": int((id_of == k).sum())}
        for k in sorted(decided.layout.rejected)
    ]
    return [_row(s) for s in summaries(view, decided, matches)] + gone


for name, verb in VERBS.items():
    if verb.command.startswith("clusters ") and verb.command != names.command:
        clusters.add_command(verb_command(name))
clusters.add_command(names.names)


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
        more = (f"  by {row['by']}" if row["by"] else "") + ("  (undone)" if row["undone"] else "")
        click.echo(f"{row['id']:>6}  {row['at'][:19]}  {row['decision']}{more}")


def _row(summary: ClusterSummary) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": summary.cluster,
        "name": summary.name,
        "rejected": False,
        "size": summary.size,
        "core": len(summary.core),
        "filter": summary.percent,
        "by_hand": summary.by_hand,
        "drawn": len(summary.drawn),
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
    return confused_pair(view, decided, score_clusters(view, decided, "majority").rows.contingency)


def _line(row: dict[str, Any], width: int) -> str:
    start = f"{row['id']:>4}  {row['name']:{width}}  {row['size']:>6}"
    if row["rejected"]:
        return f"{start}  rejected"
    line = f"{start}  {row['core']:>6}  {row['filter']:>4g} %"
    if "iou" in row:
        line += f"  {row['purity']:>4.0f} %  {row['iou']:>6.2f}  {row['class'] or '–'}"
    return line

"""New images for the clusters of a run: assigned to them, not clustered again, as a run beside it.

The run itself stays as it is, with its scores and trainings. The new one shares its clusters, and begins with its
names, merges, rejections and filter; every page shows it as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from comus_core import stages
from comus_core.config import Assign
from comus_core.curation.merged_centre import Member, joined_members
from comus_core.datasets.dataset import absolute
from comus_core.pipelines.apply_rounds import context_on, describe_proposals, find_proposals
from comus_core.pipelines.discover import both_scores, new_run, note_artifacts, prints, result_json, with_artifacts
from comus_core.pipelines.verb_settings import AddSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.label_map import REJECTED
from comus_core.settings import require
from comus_core.stages import StageContext
from comus_core.stages.assignment import MEASURES, assign_choice, assigned_clusters
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions, Event
from comus_core.workspace.layout import packed


def add_images(
    run: Run,
    workspace: Workspace,
    settings: AddSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_run: Callable[[Run], object] = lambda _: None,
) -> Run:
    """Find the proposals of new images, and give each the cluster of the run that it fits best (`stages.assignment`).

    The filter ranks them by the cosine distance to the own centre, or by what the way of assigning measures
    (`stages.assignment.MEASURES`); of the rest of what a run's filter may rank by nothing is known here. Nyström is the
    way of assigning where the clusters are spectral. `on_run` is called with the new run as soon as its id is known.

    Returns:
        The new run, done; the same images added again are the same run.

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: Nyström is wanted of a run without a spectral embedding, or the run was itself added to another.
        WorkspaceError: the run has no clusters yet.
    """
    older = run.provenance.get("added_to")
    require(older is None, f"run {run.id} holds added images: add to run {older}, whose clusters these are")
    source, how = workspace.artifact(run, "clustering"), assign_choice(run, settings.assign, best=True)
    context = context_on(run, absolute(settings.dataset), workspace, device, on_progress)
    row = new_run(context)
    plus = digest([source.fingerprint, row.provenance["manifest"], row.provenance["truth"], how])[:8]
    provenance = {**row.provenance, "added_to": run.id, "assign": how}
    name = f"{run.name} + {context.dataset.name}"
    row = replace(row, id=f"{run.id}-plus-{plus}", name=name, provenance=provenance)
    with workspace.runs.attempt(row.id):
        added = workspace.runs.begin(row)
        on_run(added)
        added, made = _stages(context, run, added, how)
        every, filtered = both_scores(workspace, added) if "counts" in made else (None, None)
        clusters = tables.read_clusters(source).count
        result = result_json(added, context, made, clusters, every, filtered)
        return workspace.runs.finish(added.id, prints(made), result, provenance if context.computed else {})


def _stages(context: StageContext, run: Run, added: Run, how: Assign) -> tuple[Run, dict[str, Artifact]]:
    note_artifacts(context, added)
    made = describe_proposals(context, find_proposals(context))
    made["clustering"] = assigned_clusters(context, run, made["features"], how)
    added = with_artifacts(added, made)
    made["projection"] = stages.projection(context, made["features"])
    decided = _begin_with(context.workspace, run, added, how)
    made["pseudo_masks"] = stages.pseudo_masks(context, made, decided)
    if context.dataset.truth is not None:
        made["counts"] = stages.counts(context, made["images"], made["proposals"])
    return with_artifacts(added, made), made


def _begin_with(workspace: Workspace, run: Run, added: Run, how: Assign) -> Decisions:
    """What is decided in the new run; at first what is decided in the run that it was added to."""
    log, clustering = workspace.decisions, added.artifacts["clustering"]
    source, decided = workspace.artifact(run, "clustering"), workspace.decisions_of(run)
    members = joined_members(source, decided, workspace.artifact(added, "clustering"))
    events = inherited(decided, tables.read_clusters(source).count, how, members)
    first = [(event.kind, event.payload) for event in events]
    return log.append_all(added.id, clustering, lambda now: first if now.version == 0 else [])


def inherited(
    decided: Decisions, clusters: int, how: Assign, members: Mapping[int, Sequence[Member]] | None = None
) -> list[Event]:
    """The decisions that lead to the same filter, names, merges and rejections of K clusters.

    `members` are the new proposals of each merged category with their distance to its centre, where they have one.
    Splits and moves are about single proposals, of which the new images have none: what was split off is left out, and
    a part that kept its id stands for the whole. A filter that ranks by what is not known of new images
    (`MEASURES`) ranks them by the distance.
    """
    layout = decided.layout
    wholes: dict[int, list[int]] = {}
    for gone, now in layout.into.items():
        if gone < clusters and now < clusters:
            wholes.setdefault(now, []).append(gone)
    first: dict[str, Any] = {"percent": decided.filter_percent}
    first |= {"by": decided.filter_by} if decided.filter_by == MEASURES[how] else {}
    steps: list[tuple[str, dict[str, Any]]] = [("filter", first)]
    for now, parts in sorted(wholes.items()):
        measured = {"members": packed(members[now])} if members and now in members else {}
        steps.append(("merge", {"categories": sorted([now, *parts]), **measured}))
    steps += [("filter", {"percent": p, "cluster": k}) for k, p in decided.cluster_percent.items() if k < clusters]
    steps += [("rename", {"cluster": k, "name": name}) for k, name in decided.names.items() if k < clusters]
    rejected = sorted(k for k in layout.rejected if REJECTED < k < clusters)
    steps += [("reject", {"categories": rejected})] if rejected else []
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return [Event(number, at, kind, payload) for number, (kind, payload) in enumerate(steps, 1)]

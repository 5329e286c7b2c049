"""What of a person's decisions decides the pseudo-masks, and whether masks that were made still follow them."""

from __future__ import annotations

from typing import Any

from comus_core.proposals.table import Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories, label_map
from comus_core.types import BoolMask, IntArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions


def mask_settings(
    decided: Decisions, clusters: int, categories: Categories, category: IntArray, keep: BoolMask
) -> dict[str, Any]:
    """The part of the decisions that changes pixels, as the masks' fingerprint holds it.

    Names are not in it: to rename a cluster must not train its networks again.

    Args:
        decided: by a person.
        clusters: K.
        categories: that follow from the two.
        category: (n,) of every proposal.
        keep: (n,) which of them are in the core.
    """
    percents = {str(k): p for k, p in decided.percent_of(categories.ids).items()}
    chosen: dict[str, Any] = {"percent": percents, "by": decided.filter_by}
    chosen["category_of"] = label_map(decided, clusters).category_of.tolist()
    layout = decided.layout
    if layout.moved or layout.accepted or layout.distance or layout.erased:  # what clusters and percentages do not say
        chosen["rows"] = digest([category.tolist(), keep.tolist()])
    if layout.erased:
        chosen["erased"] = digest(sorted(layout.erased))
    return chosen


def follows_decisions(workspace: Workspace, run: Run, masks: Artifact) -> bool:
    """Whether pseudo-masks of the run are still those of what is decided now.

    Raises:
        WorkspaceError: an artifact of the run is gone or damaged.
    """
    decided = workspace.decisions_of(run)
    proposals: Proposals = tables.read_proposals(workspace.artifact(run, "proposals"))
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    now = mask_settings(decided, table.count, *tables.decided_rows(proposals, table, decided))
    made = {k: v for k, v in masks.manifest()["key"]["settings"].items() if k != "set_aside"}  # of images, not decided
    return bool(made == now)

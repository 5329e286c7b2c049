"""The decisions that determine the pseudo-masks, and whether existing masks are up to date."""

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
    """The part of the decisions that changes pixels, for the fingerprint of the masks.

    Names are not in it: renaming a cluster must not train networks again.

    Args:
        decided: the decisions.
        clusters: K.
        categories: resulting from both.
        category: (n,) of every proposal.
        keep: (n,) bool, in the core.
    """
    percents = {str(k): p for k, p in decided.percent_of(categories.ids).items()}
    settings: dict[str, Any] = {"percent": percents, "by": decided.filter_by}
    settings["category_of"] = label_map(decided, clusters).category_of.tolist()
    layout = decided.layout
    if layout.moved or layout.accepted or layout.distance or layout.erased:  # not in clusters and percentages
        settings["rows"] = digest([category.tolist(), keep.tolist()])
    if layout.erased:
        settings["erased"] = digest(sorted(layout.erased))
    return settings


def follows_decisions(workspace: Workspace, run: Run, masks: Artifact) -> bool:
    """Whether pseudo-masks of the run match the current decisions.

    Raises:
        WorkspaceError: an artifact of the run is missing or damaged.
    """
    decided = workspace.decisions_of(run)
    proposals: Proposals = tables.read_proposals(workspace.artifact(run, "proposals"))
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    current = mask_settings(decided, table.count, *tables.decided_rows(proposals, table, decided))
    stored = {k: v for k, v in masks.manifest()["key"]["settings"].items() if k != "set_aside"}  # of images
    return bool(stored == current)

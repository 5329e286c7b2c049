"""The decisions that determine the pseudo-masks, and whether existing masks are up to date."""

from __future__ import annotations

from typing import Any

import numpy as np

from comus_core.proposals.table import Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories, label_map
from comus_core.types import BoolMask, IntArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import image_of


def mask_settings(
    decided: Decisions, clusters: int, categories: Categories, category: IntArray, keep: BoolMask
) -> dict[str, Any]:
    """The part of the decisions that changes pixels, for the fingerprint of the masks.

    Names are not in it: renaming a cluster must not train networks again. `categories`, `category` (n,) and `keep` (n,)
    result from the decisions on K clusters.
    """
    percents = {str(k): p for k, p in decided.percent_of(categories.ids).items()}
    settings: dict[str, Any] = {"percent": percents, "by": decided.filter_by}
    settings["category_of"] = label_map(decided, clusters).category_of.tolist()
    layout = decided.layout
    changed = (layout.moved, layout.accepted, layout.distance, layout.erased, layout.excluded)
    if any(changed):  # not in clusters and percentages
        settings["rows"] = digest([category.tolist(), keep.tolist()])
    if layout.erased:
        settings["erased"] = digest(sorted(layout.erased))
    if layout.excluded:
        settings["excluded"] = digest(sorted(layout.excluded))
    if layout.redrawn:
        settings["redrawn"] = digest(sorted(layout.redrawn.items()))
    if layout.drawn:
        ids = sorted(i for i in layout.drawn if i not in layout.erased and image_of(i) not in layout.excluded)
        now = [layout.moved.get(i, layout.drawn[i]) for i in ids]
        numbers = label_map(decided, clusters).categories(np.array(now, np.int64)).tolist()
        settings["drawn"] = digest(list(zip(ids, numbers, strict=True)))
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

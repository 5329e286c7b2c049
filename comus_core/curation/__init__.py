"""Decisions of a person on the categories and masks of a run: names, merges, splits, rejections, moves, undo.

Every function writes one event to the log and returns the resulting decisions; `based_on` is the version of the
decisions that the person saw, so that two people do not overwrite each other's decisions on one run.
"""

from __future__ import annotations

from comus_core.curation.category_names import all_ids, find_category
from comus_core.curation.cluster_edits import merge, reject, rename, reset_name, restore, split
from comus_core.curation.cluster_split import MOST_PARTS, Split, propose_split
from comus_core.curation.decision_history import ListedDecision, decided_in, history, listed_decisions, redo, undo
from comus_core.curation.filter_edits import set_filter
from comus_core.curation.image_edits import exclude, include
from comus_core.curation.mask_redraw import (
    at_threshold,
    has_soft_map,
    mask_of,
    original_mask,
    redraw,
    reset_mask,
    threshold_near,
)
from comus_core.curation.name_import import import_names
from comus_core.curation.object_drawing import NewObject, category_of, draw, separate
from comus_core.curation.proposal_edits import accept, create, erase, move, put_back

__all__ = [
    "MOST_PARTS",
    "ListedDecision",
    "NewObject",
    "Split",
    "accept",
    "all_ids",
    "at_threshold",
    "category_of",
    "create",
    "decided_in",
    "draw",
    "erase",
    "exclude",
    "find_category",
    "has_soft_map",
    "history",
    "import_names",
    "include",
    "listed_decisions",
    "mask_of",
    "merge",
    "move",
    "original_mask",
    "propose_split",
    "put_back",
    "redo",
    "redraw",
    "reject",
    "rename",
    "reset_mask",
    "reset_name",
    "restore",
    "separate",
    "set_filter",
    "split",
    "threshold_near",
    "undo",
]

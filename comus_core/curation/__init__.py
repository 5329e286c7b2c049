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
from comus_core.curation.proposal_edits import accept, erase, move

__all__ = [
    "MOST_PARTS",
    "ListedDecision",
    "Split",
    "accept",
    "all_ids",
    "decided_in",
    "erase",
    "find_category",
    "history",
    "listed_decisions",
    "merge",
    "move",
    "propose_split",
    "redo",
    "reject",
    "rename",
    "reset_name",
    "restore",
    "set_filter",
    "split",
    "undo",
]

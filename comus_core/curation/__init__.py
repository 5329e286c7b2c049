"""What a person decides on the categories and masks of a run: names, merges, splits, rejections, moves, undo.

Every function writes one event to the log and returns what is decided then; `based_on` is the version of the decisions
that the person looked at, so that two at work on one run do not overwrite each other unseen.
"""

from __future__ import annotations

from comus_core.curation.category_names import all_ids, category_named
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
    "category_named",
    "decided_in",
    "erase",
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

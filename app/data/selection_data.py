"""What the bar of actions knows of a selection: where its proposals may go, what can be restored, whose images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from app.data.run_cache import Held
from comus_core.curation.likely_categories import likely_categories
from comus_core.errors import WorkspaceError
from comus_core.runs.run_view import RunView
from comus_core.types import ImageId, IntArray, ProposalId
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import REJECTED

_likely: Held[list[int]] = Held(24)


@dataclass(frozen=True)
class Selected:
    """Selected proposals.

    Attributes:
        ids: of the proposals.
        images: ids of the images to exclude, those that are not excluded yet; or, if there are none, to `include`.
        include: whether all of the images are excluded.
        possible: the parts of the bar (`Action.part`) that would change one of the proposals: `accept`, `reject`,
            `erase`, `put_back`.
        digest: differs for other rows.
    """

    ids: tuple[ProposalId, ...]
    images: tuple[ImageId, ...]
    include: bool
    possible: frozenset[str]
    digest: str


def selected(view: RunView, decided: Decisions, rows: IntArray, images: Sequence[ImageId] = ()) -> Selected:
    """What is selected: the proposals of `rows`, and their images with those of `images`."""
    layout, rows = decided.layout, np.asarray(rows, np.int64)
    ids = tuple(str(p) for p in view.proposals.proposal_id[rows])
    every = dict.fromkeys([*map(str, images), *(str(i) for i in view.proposals.image_id[rows])])
    there = tuple(i for i in every if i not in layout.excluded)
    return Selected(
        ids, there or tuple(every), not there and bool(every), _possible(view, decided, rows, ids), digest_of(rows)
    )


def _possible(view: RunView, decided: Decisions, rows: IntArray, ids: Sequence[ProposalId]) -> frozenset[str]:
    layout, moved = decided.layout, decided.layout.moved
    rejected = bool(moved) and any(moved.get(p) == REJECTED for p in ids)
    erased = bool(layout.erased) and any(p in layout.erased for p in ids)
    would_change = {
        "accept": any(p not in layout.accepted for p in ids),
        "reject": bool((view.categories(decided).category[rows] >= 0).any()),
        "erase": any(p not in layout.erased for p in ids),
        "put_back": rejected or erased,
    }
    return frozenset(part for part, would in would_change.items() if would)


def digest_of(rows: IntArray) -> str:
    """Short text that differs for other rows."""
    return sha256(np.asarray(rows, np.int64).tobytes()).hexdigest()[:12]


def targets(view: RunView, decided: Decisions, rows: IntArray, digest: str) -> dict[int, str]:
    """Id -> name of the categories that proposals can be moved to, the most likely first.

    Where the embedding is gone, nobody knows which those are: the categories are in the order of their ids.
    """
    where = (str(view.workspace.root), view.run.id, view.run.artifacts["clustering"])
    key = (*where, decided.layout_version, digest)
    try:
        likely = _likely.get(key, lambda: likely_categories(view, decided, rows))
    except WorkspaceError:
        likely = list(view.categories(decided).ids)
    return {k: decided.name_of(k) for k in likely}

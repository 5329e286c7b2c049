"""What the bar of actions knows of a selection: where its objects may go, what can be restored, whose images.

Rows are those of `DecidedObjects`: proposals, and drawn objects after all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from app.data.run_cache import Held
from comus_core.curation.likely_categories import likely_categories
from comus_core.curation.proposal_edits import acceptable
from comus_core.errors import WorkspaceError
from comus_core.runs.decided_objects import DecidedObjects, decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import ImageId, IntArray, ProposalId
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import counted_objects, is_drawn_id
from comus_core.workspace.layout import COVERED, REJECTED

_likely: Held[list[int]] = Held(24)


@dataclass(frozen=True)
class Selected:
    """Selected objects.

    Attributes:
        ids: of the proposals and drawn objects.
        words: how many they are.
        proposals: ids of the proposals among them, which have features.
        acceptable: ids of those that can be accepted: a drawn object is always core, unless it is in no category.
        images: ids of the images to exclude, those that are not excluded yet; or, if there are none, to `include`.
        include: whether all of the images are excluded.
        possible: the parts of the bar (`Action.part`) that would change one of the objects: `accept`, `reject`,
            `erase`, `put_back`.
        digest: differs for other rows.
    """

    ids: tuple[str, ...]
    words: str
    proposals: tuple[ProposalId, ...]
    acceptable: tuple[str, ...]
    images: tuple[ImageId, ...]
    include: bool
    possible: frozenset[str]
    digest: str


def selected(view: RunView, decided: Decisions, rows: IntArray, images: Sequence[ImageId] = ()) -> Selected:
    """What is selected: the objects of `rows`, and their images with those of `images`."""
    objects, rows = decided_objects(view, decided), np.asarray(rows, np.int64)
    ids = tuple(str(p) for p in objects.ids[rows])
    can_accept = tuple(acceptable(view, decided, ids))
    every = dict.fromkeys([*map(str, images), *(str(i) for i in objects.image_id[rows])])
    there = tuple(i for i in every if i not in decided.layout.excluded)
    return Selected(
        ids=ids,
        words=counted_objects(ids),
        proposals=tuple(p for p in ids if not is_drawn_id(p)),
        acceptable=can_accept,
        images=there or tuple(every),
        include=not there and bool(every),
        possible=_possible(objects, rows, ids, can_accept),
        digest=digest_of(view, decided, rows),
    )


def _possible(objects: DecidedObjects, rows: IntArray, ids: Sequence[str], can_accept: Sequence[str]) -> frozenset[str]:
    layout = objects.decided.layout
    any_gone = bool(layout.moved) or bool(layout.erased)
    gone = (p for p in ids if any_gone and (layout.moved.get(p) == REJECTED or p in layout.erased))
    would_change = {
        "accept": any(p not in layout.accepted for p in can_accept),
        "reject": bool((objects.category[rows] >= 0).any()),
        "erase": any(p not in layout.erased for p in ids),
        "put_back": any(layout.redrawn.get(p) != COVERED for p in gone),
    }
    return frozenset(part for part, would in would_change.items() if would)


def digest_of(view: RunView, decided: Decisions, rows: IntArray) -> str:
    """Short text that differs for other objects; rows of drawn ones move when another is drawn, so their ids count."""
    rows = np.asarray(rows, np.int64)
    drawn = rows[rows >= len(view)]
    names = "\n".join(map(str, decided_objects(view, decided).ids[drawn])) if len(drawn) else ""
    return sha256(rows[rows < len(view)].tobytes() + names.encode()).hexdigest()[:12]


def digest_of_rows(rows: IntArray) -> str:
    """Short text that differs for other rows, of whatever table."""
    return sha256(np.asarray(rows, np.int64).tobytes()).hexdigest()[:12]


def targets(view: RunView, decided: Decisions, rows: IntArray, digest: str) -> dict[int, str]:
    """Id -> name of the categories that objects can be moved to, the most likely first.

    Where the embedding is gone, nobody knows which those are: the categories are in the order of their ids.
    """
    where = (str(view.workspace.root), view.run.id, view.run.artifacts["clustering"])
    key = (*where, decided.layout_version, digest)
    try:
        likely = _likely.get(key, lambda: likely_categories(view, decided, rows))
    except WorkspaceError:
        likely = list(view.categories(decided).ids)
    return {k: decided.name_of(k) for k in likely}

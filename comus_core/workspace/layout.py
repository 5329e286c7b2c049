"""The category of each proposal after merges, splits, rejections and moves, as an immutable record."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from comus_core.errors import SettingsError
from comus_core.settings import require
from comus_core.workspace.drawn_ids import DRAWN_ID
from comus_core.workspace.layered import LayeredMap, LayeredSet

REJECTED = -1
PROPOSAL_MAPS = ("moved", "distance", "redrawn", "drawn", "parent")
PROPOSAL_SETS = ("by_hand", "accepted", "erased")
IMAGE_SETS = ("excluded",)
MANY, FAST = 100, 3  # ids in one decision, from which they are packed; and how
COVERED = ""  # the run lengths of a mask that lost all its pixels to a redrawn one
RUN_LENGTHS = re.compile("[0-o]*")  # COCO's packed text
SMALL, MAX_RATIO = 1 << 16, 200  # limits of unpacked bytes, absolute and relative: text may come in a bundle


@dataclass(frozen=True)
class Layout:
    """A person's changes to the clusters, which themselves never change. Treat every field as read-only.

    A category's id is the number of the cluster it began as, or, if it was split off or created, a number above all
    others that were ever given in the log. A merged category keeps the smallest id of its parts.

    Attributes:
        into: id of a merged category -> id of the category that it is part of.
        made: id of a category that was split off or created -> its default name.
        moved: proposal id -> id of the category that it was moved to by a split or by hand, to be looked up in `into`;
            `REJECTED` for none.
        by_hand: the proposals among them that a person moved one by one.
        distance: proposal id -> cosine distance to the centre of its category, for proposals in a split or merge.
        rejected: ids of categories that count as background.
        accepted: proposals that a person accepted: always kept.
        erased: proposals that a person erased: their pixels are background, not ignored, in training labels.
        excluded: ids of the images that a person excluded: their proposals are in no category, and the images in no
            score and no training.
        redrawn: proposal id -> the mask that a person drew, or that a drawn one left of it, as COCO's packed run
            lengths; `COVERED` if nothing is left. The masks of drawn objects are here too.
        drawn: id of an object that a person drew, such as `2007_000032#d1` -> id of the category that it was drawn in.
            `moved`, `accepted` and `erased` hold for it as for a proposal; it is in no artifact, and always kept.
        parent: id of a drawn object -> id of the proposal or object from whose mask it was taken, if from one.
    """

    into: Mapping[int, int] = field(default_factory=dict)
    made: Mapping[int, str] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=LayeredMap)
    by_hand: Set[str] = field(default_factory=LayeredSet)
    distance: Mapping[str, float] = field(default_factory=LayeredMap)
    rejected: frozenset[int] = frozenset()
    accepted: Set[str] = field(default_factory=LayeredSet)
    erased: Set[str] = field(default_factory=LayeredSet)
    excluded: Set[str] = field(default_factory=LayeredSet)
    redrawn: Mapping[str, str] = field(default_factory=LayeredMap)
    drawn: Mapping[str, int] = field(default_factory=LayeredMap)
    parent: Mapping[str, str] = field(default_factory=LayeredMap)

    def __post_init__(self) -> None:
        """Data of single proposals can be large, so it is never copied whole."""
        for name in PROPOSAL_MAPS:
            object.__setattr__(self, name, LayeredMap.of(getattr(self, name)))
        for name in (*PROPOSAL_SETS, *IMAGE_SETS):
            object.__setattr__(self, name, LayeredSet.of(getattr(self, name)))

    def merge(self, ids: Sequence[int], members: Sequence[tuple[str, float]] = ()) -> Layout:
        """Merge categories into the one with the smallest id; `members` are (proposal id, distance to its centre)."""
        require(len(set(ids)) >= 2, f"merge of {_listed(ids)}: choose two or more categories")
        self._require_live(ids)
        first, *rest = sorted(set(ids))
        flat = {old: first if target in rest else target for old, target in self.into.items()}
        distance = LayeredMap.of(self.distance) | dict(members)
        return replace(self, into=flat | dict.fromkeys(rest, first), distance=distance)

    def split(self, category: int, names: Mapping[int, str], parts: Sequence[tuple[str, int, float]]) -> Layout:
        """Split a category; `parts` are (proposal id, id of its part, distance to its centre)."""
        self._require_live([category])
        wrong = [k for k in names if k in self.made or k in self.into or k < 0]
        require(not wrong, f"split of category {category}: the id {_listed(wrong)} is in use")
        part_ids = {category, *names}
        unknown = sorted({part for _, part, _ in parts} - part_ids)
        require(not unknown, f"split of category {category}: {_listed(unknown)} is not one of its parts")
        return replace(
            self,
            made={**self.made, **names},
            moved=LayeredMap.of(self.moved) | {proposal: part for proposal, part, _ in parts},
            by_hand=self.by_hand - {proposal for proposal, _, _ in parts},
            distance=LayeredMap.of(self.distance) | {proposal: distance for proposal, _, distance in parts},
        )

    def create(self, category: int, proposals: Sequence[str]) -> Layout:
        """Make a new category of proposals, moved to it by hand."""
        require(bool(proposals), "new category: choose a proposal")
        return self.add_category(category).move(proposals, category)

    def add_category(self, category: int) -> Layout:
        """Make a new category with nothing in it yet."""
        taken = category in self.made or category in self.into or category < 0
        require(not taken, f"new category: the id {category} is in use")
        return replace(self, made={**self.made, category: f"cluster {category}"})

    def exclude(self, images: Sequence[str]) -> Layout:
        """Exclude images; those that are excluded already stay so."""
        require(bool(images), "exclude: choose an image")
        require(not self.excluded >= set(images), f"exclude: {_some(images)} already excluded")
        return replace(self, excluded=self.excluded | set(images))

    def include(self, images: Sequence[str]) -> Layout:
        """Include excluded images again."""
        active = [image_id for image_id in images if image_id not in self.excluded]
        require(bool(images) and not active, f"include: {_some(active)} not excluded")
        return replace(self, excluded=self.excluded - set(images))

    def reject(self, ids: Sequence[int]) -> Layout:
        """Make categories background."""
        require(bool(ids), "reject: choose a category")
        self._require_live(ids)
        return replace(self, rejected=self.rejected | set(ids))

    def restore(self, ids: Sequence[int]) -> Layout:
        """Undo the rejection of categories."""
        active = [k for k in ids if k not in self.rejected]
        require(bool(ids) and not active, f"restore: category {_listed(active)} is not rejected")
        return replace(self, rejected=self.rejected - set(ids))

    def move(self, proposals: Sequence[str], category: int) -> Layout:
        """Move proposals to a category by hand, or to none with `REJECTED`."""
        require(bool(proposals), "move: choose a proposal")
        if category != REJECTED:
            self._require_live([category])
        names = set(proposals)
        by_hand = self.by_hand | names if category != REJECTED else self.by_hand - names
        moved = LayeredMap.of(self.moved) | dict.fromkeys(proposals, category)
        accepted, erased = self.accepted - names, self.erased - (names - self._covered(names))
        return replace(self, moved=moved, by_hand=by_hand, accepted=accepted, erased=erased)

    def accept(self, proposals: Sequence[str]) -> Layout:
        """Always keep proposals; a rejected or erased one is back in its category."""
        require(bool(proposals), "accept: choose a proposal")
        names = set(proposals)
        names -= self._covered(names)
        require(bool(names), f"accept: {_nothing_left(proposals)}")
        moved = LayeredMap.of(self.moved).without(p for p in names if self.moved.get(p) == REJECTED)
        return replace(self, moved=moved, accepted=self.accepted | names, erased=self.erased - names)

    def erase(self, proposals: Sequence[str]) -> Layout:
        """Remove the masks of proposals."""
        require(bool(proposals), "erase: choose a proposal")
        names = set(proposals)
        return replace(self, accepted=self.accepted - names, erased=self.erased | names)

    def put_back(self, proposals: Sequence[str]) -> Layout:
        """Bring rejected and erased proposals back to the categories of their clusters; covered ones stay erased."""
        gone = [p for p in proposals if self.moved.get(p) == REJECTED or p in self.erased]
        require(bool(gone), "put back: none of these proposals is rejected or erased")
        covered = self._covered(set(gone))
        gone = [p for p in gone if p not in covered]
        require(bool(gone), f"put back: {_nothing_left(proposals)}")
        moved = LayeredMap.of(self.moved).without(p for p in gone if self.moved.get(p) == REJECTED)
        return replace(self, moved=moved, erased=self.erased - set(gone))

    def redraw(self, masks: Sequence[tuple[str, str | None]]) -> Layout:
        """Replace masks: the one that a person drew first, then those that lost pixels to it.

        Args:
            masks: (proposal id, packed run lengths) each; None for the detector's mask. A `COVERED` one is erased, and
                the first is no longer.
        """
        require(bool(masks), "redraw: choose a proposal")
        first, rle = masks[0]
        require(rle != COVERED, f"redraw: the mask of {first} is empty; erase the proposal instead")
        after = self._with_masks(masks)
        return replace(after, erased=after.erased - {first})

    def draw(
        self, objects: Sequence[tuple[str, int, str, str | None]], masks: Sequence[tuple[str, str | None]] = ()
    ) -> Layout:
        """Add drawn objects.

        Args:
            objects: id, category, packed run lengths and parent of each; ids are as `drawn_id` makes them.
            masks: what is left of the masks that lost pixels to them, as for `redraw`.
        """
        require(bool(objects), "draw: choose an object")
        drawn, parents = {o[0]: o[1] for o in objects}, {o[0]: o[3] for o in objects if o[3]}
        wrong = [i for i in drawn if not isinstance(i, str) or not DRAWN_ID.fullmatch(i) or i in self.drawn]
        wrong += [i for i, parent in parents.items() if not isinstance(parent, str)]
        require(not wrong and len(drawn) == len(objects), f"draw: {_listed(wrong[:1])} is no id of a new object")
        require(all(isinstance(k, int) for k in drawn.values()), "draw: a category must be a number")
        self._require_live(list(drawn.values()))
        empty = [i for i, _, rle, _ in objects if rle == COVERED]
        require(not empty, f"draw: the mask of {_listed(empty[:1])} is empty")
        added = replace(self, drawn=LayeredMap.of(self.drawn) | drawn, parent=LayeredMap.of(self.parent) | parents)
        return added._with_masks([*masks, *((i, rle) for i, _, rle, _ in objects)])

    def require_there(self, category: int) -> None:
        """Check that a category was not merged into another.

        Raises:
            SettingsError: it was merged into another.
        """
        require(category >= 0, f"category {category}: must be 0 or more")
        if category in self.into:
            raise SettingsError(f"category {category} was merged into category {self.into[category]}: use that one")

    def _with_masks(self, masks: Sequence[tuple[str, str | None]]) -> Layout:
        """With other masks, None for the detector's; what has none left is erased."""
        named = dict(masks)
        texts = [(p, rle) for p, rle in named.items() if rle is not None]
        wrong = [p for p, rle in texts if not isinstance(rle, str) or not RUN_LENGTHS.fullmatch(rle)]
        wrong += [p for p, rle in named.items() if rle is None and p in self.drawn]  # no detector found it
        require(not wrong, f"redraw: the mask of {_listed(wrong)} is not a run-length code")
        gone = {p for p, rle in texts if rle == COVERED}
        redrawn = LayeredMap.of(self.redrawn).without(p for p, rle in named.items() if rle is None) | dict(texts)
        return replace(self, redrawn=redrawn, accepted=self.accepted - gone, erased=self.erased | gone)

    def _covered(self, proposals: Set[str]) -> set[str]:
        """Those of the proposals of whose masks nothing is left."""
        return {p for p in proposals if self.redrawn.get(p) == COVERED} if self.redrawn else set()

    def _require_live(self, ids: Sequence[int]) -> None:
        for k in ids:
            self.require_there(k)
            require(k not in self.rejected, f"category {k} is rejected: restore it first")


def packed(value: Any, level: int = 9) -> str:
    """A JSON value as short text: the proposals of a split can be many; `level` 1 is fast, 9 is small."""
    return base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), level)).decode()


def packed_ids(ids: Sequence[str]) -> list[str] | str:
    """Ids as an event holds them: many are packed, unless reading them could be refused."""
    if len(ids) < MANY:
        return list(ids)
    with contextlib.suppress(SettingsError):
        text = packed(list(ids), FAST)
        unpacked(text)
        return text
    return list(ids)


def unpacked_ids(ids: list[str] | str) -> list[str]:
    """The ids from `packed_ids`.

    Raises:
        SettingsError: they are damaged, or not strings.
    """
    values = unpacked(ids) if isinstance(ids, str) else ids
    valid = isinstance(values, list) and all(isinstance(value, str) for value in values)
    require(valid, "the ids of a decision are not a list of texts")
    return list(values)


def image_of(proposal_id: str) -> str:
    """The image of a proposal: ids are such as `2007_000032#0`."""
    return proposal_id.rpartition("#")[0]


def unpacked(text: str) -> Any:
    """The value from `packed`.

    Raises:
        SettingsError: the text is damaged, or expands to more than a split can have.
    """
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b85decode(text), max(SMALL, MAX_RATIO * len(text)))
        require(unpacker.eof, "the proposals of a split are truncated, or expand too much")
        return json.loads(content)
    except (ValueError, zlib.error) as error:
        raise SettingsError(f"the proposals of a split cannot be read ({error})") from error


def _some(images: Sequence[str]) -> str:
    """The first of some images in words, with `is` or `are`."""
    more = len(set(images)) - 1
    first = images[0] if images else ""
    return f"image {first} and {more:,} more are" if more > 0 else f"image {first} is"


def _nothing_left(proposals: Sequence[str]) -> str:
    return f"nothing is left of the mask of {_listed(proposals[:3])}; draw it again instead"


def _listed(ids: Sequence[Any]) -> str:
    return ", ".join(map(str, ids))

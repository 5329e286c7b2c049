"""The category of each proposal after merges, splits, rejections and moves, as an immutable record."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from comus_core.errors import SettingsError
from comus_core.settings import require
from comus_core.workspace.layered import LayeredMap, LayeredSet

REJECTED = -1
PROPOSAL_MAPS, PROPOSAL_SETS = ("moved", "distance"), ("by_hand", "accepted", "erased")
SMALL, MAX_RATIO = 1 << 16, 200  # limits of unpacked bytes, absolute and relative: text may come in a bundle


@dataclass(frozen=True)
class Layout:
    """A person's changes to the clusters, which themselves never change. Treat every field as read-only.

    A category's id is the number of the cluster it began as, or, if it was split off, a number above all others that
    were ever given in the log. A merged category keeps the smallest id of its parts.

    Attributes:
        into: id of a merged category -> id of the category that it is part of.
        made: id of a category from a split -> its default name.
        moved: proposal id -> id of the category that it was moved to by a split or by hand, to be looked up in `into`;
            `REJECTED` for none.
        by_hand: the proposals among them that a person moved one by one.
        distance: proposal id -> cosine distance to the centre of its category, for proposals in a split or merge.
        rejected: ids of categories that count as background.
        accepted: proposals that a person accepted: always kept.
        erased: proposals that a person erased: their pixels are background, not ignored, in training labels.
    """

    into: Mapping[int, int] = field(default_factory=dict)
    made: Mapping[int, str] = field(default_factory=dict)
    moved: Mapping[str, int] = field(default_factory=LayeredMap)
    by_hand: Set[str] = field(default_factory=LayeredSet)
    distance: Mapping[str, float] = field(default_factory=LayeredMap)
    rejected: frozenset[int] = frozenset()
    accepted: Set[str] = field(default_factory=LayeredSet)
    erased: Set[str] = field(default_factory=LayeredSet)

    def __post_init__(self) -> None:
        """Data of single proposals can be large, so it is never copied whole."""
        for name in PROPOSAL_MAPS:
            object.__setattr__(self, name, LayeredMap.of(getattr(self, name)))
        for name in PROPOSAL_SETS:
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
        accepted, erased = self.accepted - names, self.erased - names
        return replace(self, moved=moved, by_hand=by_hand, accepted=accepted, erased=erased)

    def accept(self, proposals: Sequence[str]) -> Layout:
        """Always keep proposals; a rejected or erased one is back in its category."""
        require(bool(proposals), "accept: choose a proposal")
        names = set(proposals)
        moved = LayeredMap.of(self.moved).without(p for p in names if self.moved.get(p) == REJECTED)
        return replace(self, moved=moved, accepted=self.accepted | names, erased=self.erased - names)

    def erase(self, proposals: Sequence[str]) -> Layout:
        """Remove the masks of proposals."""
        require(bool(proposals), "erase: choose a proposal")
        names = set(proposals)
        return replace(self, accepted=self.accepted - names, erased=self.erased | names)

    def require_there(self, category: int) -> None:
        """Check that a category was not merged into another.

        Raises:
            SettingsError: it was merged into another.
        """
        require(category >= 0, f"category {category}: must be 0 or more")
        if category in self.into:
            raise SettingsError(f"category {category} was merged into category {self.into[category]}: use that one")

    def _require_live(self, ids: Sequence[int]) -> None:
        for k in ids:
            self.require_there(k)
            require(k not in self.rejected, f"category {k} is rejected: restore it first")


def packed(value: Any) -> str:
    """A JSON value as short text: the proposals of a split can be many."""
    return base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


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


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))

"""Which proposal is in which category after merges, splits, rejections and moves: one immutable record."""

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
SMALL, MOST_RATIO = 1 << 16, 200  # bytes, and times its own, that a packed text may hold: it may come in a bundle


@dataclass(frozen=True)
class Layout:
    """What a person changed of the clusters, which themselves never change. Treat every part as read-only.

    A category's id is the number of the cluster it began as, or, if it was split off, a number above all others that
    were ever given in the log. A merged category keeps the smallest id of its parts.

    Attributes:
        into: id of a category that was merged away -> id that it is part of now.
        made: id of a category that was split off -> its name at first.
        moved: proposal id -> id of the category it was put into by a split or by hand, to be looked up in `into`;
            `REJECTED` for a proposal that is in none.
        by_hand: the proposals among them that a person put there one by one.
        distance: proposal id -> cosine distance to the centre of its part or of the whole that it was merged into, for
            every proposal that a split or a merge measured.
        rejected: ids of categories that count as background.
        accepted: the proposals that a person looked at and found right: kept at every filter.
        erased: the proposals whose mask a person found to be none: as if they had never been found, their pixels
            background and not ignored in training labels.
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
        """What is kept of single proposals can be large, so it is never copied whole."""
        for name in PROPOSAL_MAPS:
            object.__setattr__(self, name, LayeredMap.of(getattr(self, name)))
        for name in PROPOSAL_SETS:
            object.__setattr__(self, name, LayeredSet.of(getattr(self, name)))

    def merged(self, ids: Sequence[int], members: Sequence[tuple[str, float]] = ()) -> Layout:
        """All of them become the one with the smallest id; `members` are (proposal id, distance to its centre)."""
        require(len(set(ids)) >= 2, f"merge of {_listed(ids)}: give two categories or more")
        self._require_live(ids)
        first, *rest = sorted(set(ids))
        flat = {old: first if now in rest else now for old, now in self.into.items()}
        distance = LayeredMap.of(self.distance) | dict(members)
        return replace(self, into=flat | dict.fromkeys(rest, first), distance=distance)

    def split(self, category: int, made: Mapping[int, str], parts: Sequence[tuple[str, int, float]]) -> Layout:
        """A category's proposals in parts: (proposal id, id of its part, distance to its centre) of each."""
        self._require_live([category])
        wrong = [k for k in made if k in self.made or k in self.into or k < 0]
        require(not wrong, f"split of category {category}: number {_listed(wrong)} is taken")
        known = {category, *made}
        astray = sorted({part for _, part, _ in parts} - known)
        require(not astray, f"split of category {category}: {_listed(astray)} is none of its parts")
        return replace(
            self,
            made={**self.made, **made},
            moved=LayeredMap.of(self.moved) | {proposal: part for proposal, part, _ in parts},
            by_hand=self.by_hand - {proposal for proposal, _, _ in parts},
            distance=LayeredMap.of(self.distance) | {proposal: distance for proposal, _, distance in parts},
        )

    def rejecting(self, ids: Sequence[int]) -> Layout:
        """The categories count as background from now on."""
        require(bool(ids), "reject: name a category")
        self._require_live(ids)
        return replace(self, rejected=self.rejected | set(ids))

    def restoring(self, ids: Sequence[int]) -> Layout:
        """Rejected categories are categories again."""
        kept = [k for k in ids if k not in self.rejected]
        require(bool(ids) and not kept, f"restore: category {_listed(kept)} is not rejected")
        return replace(self, rejected=self.rejected - set(ids))

    def moving(self, proposals: Sequence[str], category: int) -> Layout:
        """Proposals put into a category by hand, or into none by `REJECTED`."""
        require(bool(proposals), "move: name a proposal")
        if category != REJECTED:
            self._require_live([category])
        names = set(proposals)
        by_hand = self.by_hand | names if category != REJECTED else self.by_hand - names
        moved = LayeredMap.of(self.moved) | dict.fromkeys(proposals, category)
        accepted, erased = self.accepted - names, self.erased - names
        return replace(self, moved=moved, by_hand=by_hand, accepted=accepted, erased=erased)

    def accepting(self, proposals: Sequence[str]) -> Layout:
        """Proposals kept whatever the filter says; one that was rejected or erased is back in its category."""
        require(bool(proposals), "accept: name a proposal")
        names = set(proposals)
        moved = LayeredMap.of(self.moved).without(p for p in names if self.moved.get(p) == REJECTED)
        return replace(self, moved=moved, accepted=self.accepted | names, erased=self.erased - names)

    def erasing(self, proposals: Sequence[str]) -> Layout:
        """Proposals that count as never found."""
        require(bool(proposals), "erase: name a proposal")
        names = set(proposals)
        return replace(self, accepted=self.accepted - names, erased=self.erased | names)

    def require_there(self, category: int) -> None:
        """Refuse a category that no longer exists.

        Raises:
            SettingsError: it was merged into another.
        """
        require(category >= 0, f"category {category}: a number from 0 is needed")
        if category in self.into:
            raise SettingsError(f"category {category} was merged into category {self.into[category]}: name that one")

    def _require_live(self, ids: Sequence[int]) -> None:
        for k in ids:
            self.require_there(k)
            require(k not in self.rejected, f"category {k} is rejected: restore it first")


def packed(value: Any) -> str:
    """A JSON value as short text: the proposals of a split can be many."""
    return base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode()


def unpacked(text: str) -> Any:
    """The value back from `packed`.

    Raises:
        SettingsError: the text is none of it, or holds more than a split can.
    """
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b85decode(text), max(SMALL, MOST_RATIO * len(text)))
        require(unpacker.eof, "the proposals of a split are cut off, or more than so short a text can hold")
        return json.loads(content)
    except (ValueError, zlib.error) as error:
        raise SettingsError(f"the proposals of a split cannot be read ({error})") from error


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))

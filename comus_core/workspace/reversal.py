"""The reversal of a decision: the old values of what it changed. It is as large as the decision, not the state."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Set
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from comus_core.workspace.layered import GONE, LayeredMap, LayeredSet
from comus_core.workspace.layout import IMAGE_SETS, PROPOSAL_MAPS, PROPOSAL_SETS, Layout, unpacked, unpacked_ids

if TYPE_CHECKING:
    from comus_core.workspace.decisions import Decisions, Event

SINGLE = ("filter_percent", "filter_by")
OF_CATEGORIES = ("cluster_percent", "names")
OF_LAYOUT = ("into", "made")
Reversal = dict[str, Any]  # field -> old value; for a map or set, [key, old value or None for missing] each


def proposals_of(event: Event) -> list[str]:
    """Ids of the proposals and drawn objects that a decision is about."""
    ids = unpacked_ids(event.payload.get("proposals", []))
    ids += [str(p) for p, _ in event.payload.get("masks", ())]
    ids += [str(drawn[0]) for drawn in event.payload.get("objects", ())]
    members = unpacked(event.payload["members"]) if "members" in event.payload else ()
    return [*ids, *(str(member[0]) for member in members)]


def images_of(event: Event) -> list[str]:
    """Ids of the images that a decision is about."""
    return unpacked_ids(event.payload.get("images", []))


def reversal(before: Decisions, after: Decisions, event: Event) -> Reversal:
    """The reversal of an event, from the states before and after it."""
    back: Reversal = {n: getattr(before, n) for n in SINGLE if getattr(before, n) != getattr(after, n)}
    back |= {n: _different(getattr(before, n), getattr(after, n)) for n in OF_CATEGORIES}
    old, new = before.layout, after.layout
    if old is not new:
        back |= {n: _different(getattr(old, n), getattr(new, n)) for n in OF_LAYOUT}
        back["rejected"] = [[k, True if k in old.rejected else None] for k in sorted(old.rejected ^ new.rejected)]
        ids, images = proposals_of(event), images_of(event)
        for n in PROPOSAL_MAPS:
            old_values, new_values = getattr(old, n), getattr(new, n)
            back[n] = [[p, old_values.get(p)] for p in ids if old_values.get(p) != new_values.get(p)]
        for n, among in (*((n, ids) for n in PROPOSAL_SETS), *((n, images) for n in IMAGE_SETS)):
            old_values, new_values = getattr(old, n), getattr(new, n)
            back[n] = [[p, True if p in old_values else None] for p in among if (p in old_values) != (p in new_values)]
    return {name: value for name, value in back.items() if value != []}


def revert(state: Decisions, back: Reversal) -> Decisions:
    """The state before the event, from its reversal."""
    changed: dict[str, Any] = {n: back[n] for n in SINGLE if n in back}
    changed |= {n: _with(getattr(state, n), back[n]) for n in OF_CATEGORIES if n in back}
    layout = _layout_before(state.layout, back)
    return replace(state, layout=layout, **changed) if changed or layout is not state.layout else state


def to_bytes(back: Reversal) -> bytes:
    """A reversal as stored."""
    return zlib.compress(json.dumps(back, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def from_bytes(stored: bytes) -> Reversal:
    """The reversal from `to_bytes`."""
    back: Reversal = json.loads(zlib.decompress(stored))
    return back


def _layout_before(layout: Layout, back: Reversal) -> Layout:
    changed: dict[str, Any] = {n: _with(getattr(layout, n), back[n]) for n in OF_LAYOUT if n in back}
    changed |= {n: _changed_map(getattr(layout, n), back[n]) for n in PROPOSAL_MAPS if n in back}
    changed |= {n: _changed_set(getattr(layout, n), back[n]) for n in (*PROPOSAL_SETS, *IMAGE_SETS) if n in back}
    if "rejected" in back:
        changed["rejected"] = frozenset(_changed_set(layout.rejected, back["rejected"]))
    return replace(layout, **changed) if changed else layout


def _different(before: Mapping[int, Any], after: Mapping[int, Any]) -> list[list[Any]]:
    if before is after:
        return []
    return [[k, before.get(k)] for k in before.keys() | after.keys() if before.get(k) != after.get(k)]


def _with(entries: Mapping[int, Any], back: Iterable[list[Any]]) -> dict[int, Any]:
    return {k: v for k, v in {**entries, **{key: value for key, value in back}}.items() if v is not None}


def _changed_map(entries: Mapping[str, Any], back: Iterable[list[Any]]) -> LayeredMap[str, Any]:
    return LayeredMap.of(entries).changed({key: GONE if value is None else value for key, value in back})


def _changed_set(entries: Set[Any], back: Iterable[list[Any]]) -> LayeredSet[Any]:
    pairs = list(back)
    return (LayeredSet.of(entries) - {k for k, old in pairs if not old}) | {k for k, old in pairs if old}

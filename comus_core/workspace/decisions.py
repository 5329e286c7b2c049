"""Decisions of a person, event by event, and the resulting state. `decision_log` stores the events."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from comus_core.config import FilterBy
from comus_core.errors import SettingsError
from comus_core.settings import check_choice
from comus_core.text import one_line
from comus_core.workspace.layout import Layout, unpacked, unpacked_ids
from comus_core.workspace.reversal import Reversal, reversal, revert

OF_IDS = (
    "move",
    "accept",
    "erase",
    "put_back",
    "create",
    "redraw",
    "draw",
    "exclude",
    "include",
)  # kinds on single proposals or images


@dataclass(frozen=True)
class Event:
    """One decision; ids of categories are those of `Layout`.

    Kinds: `filter` {percent, cluster?, by?}, `rename` {cluster, name}, `reset_name` {cluster}, `merge` {categories,
    members? (packed [[proposal id, distance to the centre of the whole], …])}, `split` {category, made, parts, members
    (packed [[proposal id, category id, distance], …])}, `reject` and `restore` {categories}, `move` {proposals,
    category, −1 for none}, `accept`, `erase` and `put_back` {proposals}, `create` {proposals, made: [category id],
    name}, `redraw` {masks ([[proposal id, packed run lengths, or None for the detector's mask], …], see
    `Layout.redraw`)}, `draw` {objects ([[id, category, packed run lengths, parent or None], …]), masks (of those that
    lose pixels, as in `redraw`), made? ([category id, …], new ones), names? (theirs)}, `exclude` and `include`
    {images}, `undo` {} and `redo` {}. Lists of proposals and images may be packed, see `packed_ids`.

    `by` is the name, or the role, of who was logged in; empty where nobody was, and where it was not asked for.
    """

    id: int
    at: str
    kind: str
    payload: dict[str, Any]
    by: str = ""


@dataclass(frozen=True)
class Decisions:
    """The state after all events so far.

    Attributes:
        version: id of the last event read, 0 for none; artifacts refer to it.
        filter_percent: p of categories without their own.
        cluster_percent: category id -> its own p, if it is not `filter_percent`.
        names: category id -> name from a person.
        filter_by: the ranking of the proposals of every category.
        layout: the category of each proposal.
    """

    version: int = 0
    filter_percent: float = 0.0
    cluster_percent: dict[int, float] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    filter_by: FilterBy = "distance"
    layout: Layout = field(default_factory=Layout)

    def percent_of(self, ids: Iterable[int]) -> dict[int, float]:
        """P of each of the categories with these ids, in their order."""
        return {k: self.cluster_percent.get(k, self.filter_percent) for k in ids}

    def name_of(self, category: int) -> str:
        """The name from a person, else the default name."""
        return self.names.get(category) or self.own_name_of(category)

    def own_name_of(self, category: int) -> str:
        """The default name: that of the split it came from, else such as `cluster 7`."""
        return self.layout.made.get(category) or f"cluster {category}"

    @property
    def layout_version(self) -> int:
        """The version that images of the categories depend on: 0 while the clusters are unchanged."""
        return 0 if self.layout == Layout() else self.version


@dataclass(frozen=True)
class Step:
    """A decision, and the state before it."""

    event: Event
    before: Decisions


@dataclass(frozen=True)
class Done:
    """A decision in force, and its reversal."""

    event: Event
    back: Reversal


class History:
    """The log replayed in memory: decisions in force, and undone ones that can be redone.

    The filter from the run's settings, the first event, cannot be undone.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.done: list[Done] = []
        self.undone: list[Event] = []
        self.state = Decisions()
        for event in events:
            self.add(event)

    @property
    def version(self) -> int:
        """Id of the last event, 0 for none."""
        return self.state.version

    def add(self, event: Event) -> None:
        """Apply one more event.

        Raises:
            SettingsError: it is not possible in this state; nothing is changed.
        """
        if event.kind == "undo":
            if not self.done or (len(self.done) == 1 and is_opening(self.done[0].event)):
                raise nothing_to("undo")
            state = revert(self.state, self.done[-1].back)
            self.undone.append(self.done.pop().event)
        elif event.kind == "redo":
            if not self.undone:
                raise nothing_to("redo")
            state = self._do(self.undone[-1])
            self.undone.pop()
        else:
            state = self._do(event)
            self.undone.clear()
        self.state = replace(state, version=event.id)

    def _do(self, event: Event) -> Decisions:
        after = apply(self.state, event)
        self.done.append(Done(event, reversal(self.state, after, event)))
        return after


def replay(events: Iterable[Event]) -> Decisions:
    """The state after replaying a log."""
    return History(events).state


def is_opening(first: Event) -> bool:
    """Whether the first event of a log is the filter of the run's settings."""
    return first.kind == "filter" and "cluster" not in first.payload


def nothing_to(verb: str) -> SettingsError:
    """The error that there is nothing to `undo` or `redo`."""
    hint = ": only undone decisions can be redone, until a new one is made" if verb == "redo" else ""
    return SettingsError(f"nothing to {verb}{hint}")


def apply(state: Decisions, event: Event) -> Decisions:
    """The state after one decision, neither undo nor redo; its version is that of the state before.

    Raises:
        SettingsError: unknown kind, a value out of range, or not possible in that state.
    """
    after = _of_ids(state, event) if event.kind in OF_IDS else _of_categories(state, event)
    if after is not None:
        return after
    kinds = "filter, rename, reset_name, merge, split, reject, restore, move, accept, erase, put_back, "
    kinds += "create, redraw, draw, exclude, include"
    raise SettingsError(f"decision '{event.kind}' with {event.payload}: valid kinds are {kinds}, undo and redo")


def _of_categories(state: Decisions, event: Event) -> Decisions | None:
    """The state after a decision on whole categories; None if its kind or payload is wrong."""
    match event:
        case Event(kind="filter", payload={"percent": percent, "cluster": int(cluster), **rest}):
            return _set_filter(state, percent, cluster, rest)
        case Event(kind="filter", payload={"percent": percent, **rest}) if "cluster" not in rest:
            return _set_filter(state, percent, None, rest)
        case Event(kind="rename", payload={"cluster": int(cluster), "name": str(name)}):
            return _rename(state, cluster, name)
        case Event(kind="reset_name", payload={"cluster": int(cluster)}):
            return _rename(state, cluster, None)
        case Event(kind="merge", payload={"categories": list(ids), "members": str(members)}):
            return _merge(state, ids, unpacked(members))
        case Event(kind="merge", payload={"categories": list(ids), **rest}) if "members" not in rest:
            return _merge(state, ids, ())
        case Event(kind="split", payload={"category": int(category), "made": list(made), "members": str(members)}):
            names = _part_names(state, category, made)
            return replace(state, layout=state.layout.split(category, names, unpacked(members)))
        case Event(kind="reject" | "restore" as verb, payload={"categories": list(ids)}):
            layout = state.layout.reject(ids) if verb == "reject" else state.layout.restore(ids)
            return replace(state, layout=layout)
    return None


def _rename(state: Decisions, category: int, name: str | None) -> Decisions:
    """A category with a name from a person, or with None without."""
    state.layout.require_there(category)
    names = {k: other_name for k, other_name in state.names.items() if k != category}
    if name is None:
        if category not in state.names:
            raise SettingsError(f"cluster {category} has no name to reset")
        return replace(state, names=names)
    name = one_line(name)
    if not name:
        raise SettingsError(f"cluster {category}: a name must not be empty")
    return replace(state, names=names | {category: name})


def _of_ids(state: Decisions, event: Event) -> Decisions | None:
    """The state after a decision on single proposals or images; None if its payload is wrong."""
    layout = state.layout
    match event.kind, event.payload:
        case "move", {"proposals": list() | str() as ids, "category": int(category)}:
            return replace(state, layout=layout.move(unpacked_ids(ids), category))
        case "accept", {"proposals": list() | str() as ids}:
            return replace(state, layout=layout.accept(unpacked_ids(ids)))
        case "erase", {"proposals": list() | str() as ids}:
            return replace(state, layout=layout.erase(unpacked_ids(ids)))
        case "put_back", {"proposals": list() | str() as ids}:
            return replace(state, layout=layout.put_back(unpacked_ids(ids)))
        case "create", {"proposals": list() | str() as ids, "made": [int(category)], "name": str(name)}:
            return _rename(replace(state, layout=layout.create(category, unpacked_ids(ids))), category, name)
        case "exclude", {"images": list() | str() as ids}:
            return replace(state, layout=layout.exclude(unpacked_ids(ids)))
        case "include", {"images": list() | str() as ids}:
            return replace(state, layout=layout.include(unpacked_ids(ids)))
        case "redraw", {"masks": list() as masks}:
            return replace(state, layout=layout.redraw([(str(p), rle) for p, rle in masks]))
        case "draw", {"objects": list() as objects, "masks": list() as masks, **rest}:
            return _draw(state, objects, masks, rest)
    return None


def _draw(state: Decisions, objects: list[Any], masks: list[Any], rest: dict[str, Any]) -> Decisions:
    """With drawn objects, of which some may be in new categories; an import may leave no object, but the categories."""
    for category, name in zip(rest.get("made", ()), rest.get("names", ()), strict=True):
        state = _rename(replace(state, layout=state.layout.add_category(int(category))), int(category), str(name))
    if rest.get("made") and not objects and not masks:
        return state
    added = [(i, category, rle, parent) for i, category, rle, parent in objects]
    return replace(state, layout=state.layout.draw(added, [(str(p), rle) for p, rle in masks]))


def _set_filter(state: Decisions, percent: float, category: int | None, rest: dict[str, Any]) -> Decisions:
    by: FilterBy = rest.get("by", state.filter_by)
    check_choice("filter by", by, FilterBy)
    if category is None:
        return replace(state, filter_percent=_percent(percent), cluster_percent={}, filter_by=by)
    state.layout.require_there(category)
    percents = {k: p for k, p in state.cluster_percent.items() if k != category}
    percents |= {category: _percent(percent)} if percent != state.filter_percent else {}
    return replace(state, cluster_percent=percents, filter_by=by)


def _merge(state: Decisions, ids: Sequence[int], members: Sequence[tuple[str, float]]) -> Decisions:
    """The result keeps the smallest id with its percentage and name, or else the name of another part."""
    layout = state.layout.merge(ids, members)
    first, *rest = sorted(set(ids))
    chosen = [state.names[k] for k in (first, *ids) if k in state.names]
    names = {k: name for k, name in state.names.items() if k not in ids}
    percents = {k: p for k, p in state.cluster_percent.items() if k not in rest}
    return replace(state, layout=layout, names=names | ({first: chosen[0]} if chosen else {}), cluster_percent=percents)


def _part_names(state: Decisions, category: int, new_ids: Sequence[int]) -> dict[int, str]:
    """`bird · 2` and so on, with numbers that no other part has."""
    name, used = state.name_of(category), set(state.layout.made.values())
    free = (f"{name} · {number}" for number in itertools.count(2) if f"{name} · {number}" not in used)
    return {int(k): next(free) for k in new_ids}


def _percent(value: float) -> float:
    if not 0 <= value <= 100:
        raise SettingsError(f"filter {value}: must be a percentage from 0 to 100")
    return float(value)

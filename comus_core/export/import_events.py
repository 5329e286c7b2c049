"""The decisions of an import: what the log of a run holds after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from comus_core.errors import SettingsError
from comus_core.export.import_plan import ImportPlan
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions, Event, History, apply
from comus_core.workspace.drawn_ids import is_drawn_id
from comus_core.workspace.layout import COVERED, REJECTED, packed, packed_ids, unpacked, unpacked_ids

Step = tuple[str, dict[str, Any]]  # kind and payload of an event


def category_steps(plan: ImportPlan, clusters: int, highest_id: int) -> list[Step]:
    """Names, new categories and moves, in that order.

    `clusters` is K and `highest_id` the highest id of a category that the log has ever used: new ones are above both.
    """
    steps: list[Step] = [("rename", {"cluster": r.category, "name": r.new_name}) for r in plan.renamed]
    into: dict[int, list[str]] = {}
    new: dict[str, list[str]] = {}
    for moved in plan.moved:
        _into(into, new, moved.category, moved.name).append(moved.proposal)
    for proposal, target in plan.targets.items():
        _into(into, new, target.category, target.name).append(proposal)
    first = max(clusters - 1, highest_id) + 1
    for category, (name, proposals) in enumerate(new.items(), first):
        steps.append(("create", {"proposals": packed_ids(proposals), "made": [category], "name": name}))
    steps += [("move", {"proposals": packed_ids(ids), "category": k}) for k, ids in sorted(into.items())]
    return steps


def _into(into: dict[int, list[str]], new: dict[str, list[str]], category: int | None, name: str) -> list[str]:
    return new.setdefault(name, []) if category is None else into.setdefault(category, [])


def highest_id(view: RunView) -> int:
    """The highest id of a category that the log of a run has ever given, −1 for none."""
    log = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return max((int(k) for event in log for k in event.payload.get("made", ())), default=-1)


def inherited_steps(
    view: RunView, decided: Decisions, kept: Collection[str], drawn: Mapping[str, str] = MappingProxyType({})
) -> list[Step]:
    """The decisions in force in a run, for another whose proposals and drawn objects keep their ids.

    Masks that a person drew in place of the detector's are the masks of the other run's proposals, and no decision
    there; what a drawn mask did beside, such as erasing one that it covered, is decided again. Drawn objects are drawn
    again, with their masks there; the proposals there have what is left of theirs.

    Args:
        view: the run.
        decided: its decisions.
        kept: ids of the other run's proposals.
        drawn: id of each drawn object that goes on -> the packed run lengths of its mask there.
    """
    log = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    there, steps, state = {*kept, *drawn}, list[Step](), Decisions()
    for done in History(log).done:
        event = _carried(done.event, there, drawn)
        if event is None:
            continue
        try:
            state = apply(state, event)
        except SettingsError:  # it needed what a drawn mask had done; settled below
            continue
        steps.append((event.kind, event.payload))
    return steps + _differences(state, decided, [*kept, *drawn])


def _carried(event: Event, there: Set[str], drawn: Mapping[str, str]) -> Event | None:
    """A decision in the other run, without the objects that do not go on; None where nothing of it is left."""
    payload = event.payload
    if event.kind == "redraw":
        return None
    if event.kind == "draw":
        return replace(event, payload=_drawn_again(payload, there, drawn))
    if "members" in payload:
        members = unpacked(payload["members"])
        left = [member for member in members if member[0] in there]
        return event if len(left) == len(members) else replace(event, payload={**payload, "members": packed(left)})
    if "proposals" not in payload:
        return event
    ids = unpacked_ids(payload["proposals"])
    left = [name for name in ids if name in there]
    if left:
        return event if len(left) == len(ids) else replace(event, payload={**payload, "proposals": packed_ids(left)})
    if event.kind != "create":
        return None
    made = {"objects": [], "masks": [], "made": payload["made"], "names": [payload["name"]]}
    return replace(event, kind="draw", payload=made)


def _drawn_again(payload: Mapping[str, Any], there: Set[str], drawn: Mapping[str, str]) -> dict[str, Any]:
    """What a drawing is in the other run: the objects that go on, and the categories that were made for them."""
    objects = [
        [name, category, drawn[name], parent if parent in there else None]
        for name, category, _, parent in payload["objects"]
        if name in drawn
    ]
    return {**payload, "objects": objects, "masks": []}


def _differences(state: Decisions, decided: Decisions, kept: Collection[str]) -> list[Step]:
    """What leads from a state to the decided one, of single proposals."""
    now, wanted = state.layout, decided.layout
    covered = {p for p, rle in wanted.redrawn.items() if rle == COVERED}
    inside = [p for p in kept if p not in covered]
    back = [p for p in inside if p in now.erased and p not in wanted.erased]
    gone = [p for p in inside if p in wanted.erased and p not in now.erased]
    steps: list[Step] = [("put_back", {"proposals": packed_ids(back)})] if back else []
    steps += [("erase", {"proposals": packed_ids(gone)})] if gone else []
    after = now.put_back(back) if back else now
    after = after.erase(gone) if gone else after
    places: dict[int, list[str]] = {}
    for p in inside:
        target = wanted.moved.get(p)
        if target is not None and after.moved.get(p) != target:
            places.setdefault(target, []).append(p)
    for target, proposals in sorted(places.items()):
        if target == REJECTED or target not in wanted.into:
            steps.append(("move", {"proposals": packed_ids(proposals), "category": target}))
    accepted = [p for p in inside if p in wanted.accepted and p not in after.accepted]
    return steps + ([("accept", {"proposals": packed_ids(accepted)})] if accepted else [])


def mask_steps(plan: ImportPlan, in_category: Mapping[str, bool]) -> list[Step]:
    """A changed mask that is in a category is accepted, so that training learns from it at every filter percentage.

    A new, moved or drawn one is always kept anyway.
    """
    kept = {m.proposal for m in plan.moved} | {c.proposal for c in plan.changed if is_drawn_id(c.proposal)}
    accepted = [c.proposal for c in plan.changed if c.proposal not in kept and in_category.get(c.proposal, False)]
    return [("accept", {"proposals": packed_ids(accepted)})] if accepted else []

"""Conflicts between a decision and the decisions of others since the person last saw them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comus_core.errors import ConflictError
from comus_core.workspace.decisions import Event
from comus_core.workspace.reversal import images_of, proposals_of

ALL = -1  # in place of a category: every one


def require_no_conflict(event: Event, since: Iterable[Event], after: Iterable[str]) -> None:
    """Refuse a decision about something that others have changed since.

    `after` are the kinds of all events since, undone ones too.

    Raises:
        ConflictError: there is a conflict.
    """
    if event.kind in ("undo", "redo"):  # they concern the last decision, whatever it is
        kinds = [e.kind for e in since] or list(after)
    else:
        kinds = [e.kind for e in since if overlap([event], [e])]
    if kinds:
        raise ConflictError(
            f"someone else has changed this in the meantime ({', '.join(dict.fromkeys(kinds))}): check the current "
            "state, then decide again; nothing was lost"
        )


def overlap(some: Iterable[Event], others: Iterable[Event]) -> bool:
    """Whether decisions of both are about the same thing; a filter for all overlaps with that of any category."""
    first, second = ({subject for event in events for subject in subjects_of(event)} for events in (some, others))
    if first & second:
        return True
    filters = all(any(kind == "filter" for kind, _ in side) for side in (first, second))
    return filters and ("filter", ALL) in first | second


def subjects_of(event: Event) -> set[tuple[str, Any]]:
    """What a decision is about: decisions with a common subject conflict unless one knew the other."""
    payload = event.payload
    of_proposals = {("proposal", p) for p in proposals_of(event)}
    match event.kind:
        case "filter":
            return {("filter", payload.get("cluster", ALL))}
        case "rename" | "reset_name":
            return {("name", payload.get("cluster"))}
        case "move" | "accept" | "erase" | "put_back" | "create":
            return of_proposals
        case "redraw" | "draw":
            return of_proposals
        case "exclude" | "include":
            return {("image", image_id) for image_id in images_of(event)}
        case "split":
            return {("category", payload.get("category")), *of_proposals}
    return {("category", k) for k in payload.get("categories", ())}

"""When a decision may not be taken because of what others decided since the person looked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from comus_core.errors import ConflictError
from comus_core.workspace.decisions import Event
from comus_core.workspace.reversal import proposals_of

ALL = -1  # in place of a category: every one


def require_apart(event: Event, since: Iterable[Event], after: Iterable[str]) -> None:
    """Refuse a decision that rests on something that others have decided on since, or taken back.

    Args:
        event: the decision.
        since: those that others took, or took back, and that stand so.
        after: kinds of all events since, those too that others took back themselves.

    Raises:
        ConflictError: it does.
    """
    if event.kind in ("undo", "redo"):  # they are about whatever was last
        kinds = [e.kind for e in since] or list(after)
    else:
        kinds = [e.kind for e in since if meet([event], [e])]
    if kinds:
        raise ConflictError(
            f"someone else decided in the meantime ({', '.join(dict.fromkeys(kinds))}): look at what it is now, then "
            "decide again; nothing was lost"
        )


def meet(some: Iterable[Event], others: Iterable[Event]) -> bool:
    """Whether a decision of some is about the same as one of the others; a filter of all meets that of any category."""
    here, there = ({what for event in events for what in touched(event)} for events in (some, others))
    if here & there:
        return True
    both = all(any(kind == "filter" for kind, _ in side) for side in (here, there))
    return both and ("filter", ALL) in here | there


def touched(event: Event) -> set[tuple[str, Any]]:
    """What a decision is about: two that share something cannot both be meant if one did not know the other."""
    payload = event.payload
    of_proposals = {("proposal", p) for p in proposals_of(event)}
    match event.kind:
        case "filter":
            return {("filter", payload.get("cluster", ALL))}
        case "rename" | "reset_name":
            return {("name", payload.get("cluster"))}
        case "move" | "accept" | "erase":
            return of_proposals
        case "split":
            return {("category", payload.get("category")), *of_proposals}
    return {("category", k) for k in payload.get("categories", ())}

"""What is decided in a run now, what was before, and the way back and forth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comus_core.curation.category_names import require_known
from comus_core.curation.decision_words import step_words
from comus_core.runs.run_view import RunView
from comus_core.workspace.decision_log import Making, Ways
from comus_core.workspace.decisions import Decisions, History


@dataclass(frozen=True)
class ListedDecision:
    """A decision as it is listed: id and time of its event, what it is called, and whether it is undone."""

    id: int
    at: str
    decision: str
    undone: bool


def decided_in(view: RunView) -> Decisions:
    """What is decided in the run now."""
    return view.workspace.decisions_of(view.run)


def history(view: RunView) -> Ways:
    """What is decided in the run now, with what can be undone and redone."""
    return view.workspace.decisions.ways(view.run.id, view.run.artifacts["clustering"])


def listed_decisions(view: RunView) -> list[ListedDecision]:
    """All decisions in force, oldest first, then those undone, the next to be redone first."""
    walked, words = History(), {}
    for event in view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"]):
        if event.kind not in ("undo", "redo"):
            words[event.id] = step_words(walked.state, event)
        walked.add(event)
    told = [(done.event, False) for done in walked.done] + [(event, True) for event in reversed(walked.undone)]
    return [ListedDecision(event.id, event.at, words[event.id], undone) for event, undone in told]


def undo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Take the last decision back.

    Raises:
        SettingsError: there is none.
        ConflictError: someone else decided meanwhile, so that the last one is another.
    """
    return decide(view, "undo", [], based_on)


def redo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Bring back what was undone last.

    Raises:
        SettingsError: nothing was undone, or something was decided since.
        ConflictError: someone else decided meanwhile.
    """
    return decide(view, "redo", [], based_on)


def decide(
    view: RunView,
    kind: str,
    known: Sequence[int],
    based_on: int | None,
    make: Making | None = None,
    **payload: Any,
) -> Decisions:
    """Write one event to the log; returns what is decided then.

    Args:
        view: the run.
        kind: of the event.
        known: ids of categories that there must be, or have been.
        based_on: the version that the person looked at.
        make: what the log holds of it, made of what is decided at that moment; None: only `payload`.
        payload: what the log holds of it.

    Raises:
        SettingsError: no such category, or a decision that cannot be taken now.
        ConflictError: someone else decided on the same meanwhile.
    """
    require_known(view, decided_in(view), known)
    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    return log.append(view.run.id, clustering, kind, based_on=based_on, make=make, **payload)

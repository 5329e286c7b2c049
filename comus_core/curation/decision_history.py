"""The current decisions of a run, their history, undo and redo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comus_core.curation.category_names import require_known
from comus_core.curation.decision_words import step_words
from comus_core.runs.run_view import RunView
from comus_core.workspace.decision_log import PayloadOf, UndoState
from comus_core.workspace.decisions import Decisions, History


@dataclass(frozen=True)
class ListedDecision:
    """A decision in a list: id and time of its event, its description, whether it is undone, and who took it.

    `by` is empty where nobody was logged in.
    """

    id: int
    at: str
    decision: str
    undone: bool
    by: str = ""


def decided_in(view: RunView) -> Decisions:
    """The current decisions of the run."""
    return view.workspace.decisions_of(view.run)


def history(view: RunView) -> UndoState:
    """The current decisions of the run, with what can be undone and redone."""
    return view.workspace.decisions.undo_state(view.run.id, view.run.artifacts["clustering"])


def listed_decisions(view: RunView) -> list[ListedDecision]:
    """All decisions in force, oldest first, then the undone ones, the next to redo first."""
    walked, words = History(), {}
    for event in view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"]):
        if event.kind not in ("undo", "redo"):
            words[event.id] = step_words(walked.state, event)
        walked.add(event)
    listed = [(done.event, False) for done in walked.done] + [(event, True) for event in reversed(walked.undone)]
    return [ListedDecision(event.id, event.at, words[event.id], undone, event.by) for event, undone in listed]


def undo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Undo the last decision.

    Raises:
        SettingsError: there is nothing to undo.
        ConflictError: someone else has decided in the meantime.
    """
    return decide(view, "undo", [], based_on)


def redo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Redo the last undone decision.

    Raises:
        SettingsError: there is nothing to redo.
        ConflictError: someone else has decided in the meantime.
    """
    return decide(view, "redo", [], based_on)


def decide(
    view: RunView,
    kind: str,
    required: Sequence[int],
    based_on: int | None,
    make: PayloadOf | None = None,
    **payload: Any,
) -> Decisions:
    """Write one event to the log; returns the resulting decisions.

    `required` are ids of categories that must exist, or have existed; `based_on` is the version that the person saw;
    `make` computes further payload from the state of the log.

    Raises:
        SettingsError: no such category, or the decision is not possible now.
        ConflictError: someone else has changed the same thing in the meantime.
    """
    require_known(view, decided_in(view), required)
    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    return log.append(view.run.id, clustering, kind, based_on=based_on, make=make, **payload)

"""Deciding from a page: the decision is written, said in a toast, and can be taken back by a button that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import streamlit as st

from app import state
from app.components.shared import notices
from app.data.plain_text import plain
from comus_core import curation
from comus_core.curation.decision_words import step_words
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions, Step

MOST_OWN = 100  # decisions of its own that a window remembers to know
FOLLOWED_S = 4  # seconds until a page sees a decision of another window
WIDTH = 34  # characters of what an undo takes back, on its button


class Deed(Protocol):
    """A verb of `curation` that knows all but the version it rests on."""

    def __call__(self, *, based_on: int | None) -> Decisions:
        """Decide."""


@dataclass(frozen=True)
class Way:
    """A way through the log of decisions.

    Attributes:
        label: of its button.
        label_after: what the notice says after it.
        verb: takes the step in an opened run, at a version.
        key: on the keyboard, which a script of keys answers.
    """

    label: str
    label_after: str
    verb: Callable[..., Decisions]
    key: str


UNDO = Way("Undo", "Undone", lambda view, *, based_on: curation.undo(view, based_on=based_on), "u")
REDO = Way("Redo", "Redone", lambda view, *, based_on: curation.redo(view, based_on=based_on), "Shift+u")


def act(
    view: RunView, words: str, version: int, deed: Deed, then: Callable[[], None] | None = None, undo_key: str = "u"
) -> None:
    """Decide at a version of the decisions, show a notice of it or of the fault, and on success do `then`."""
    _decide(view, f"{plain(words)}. Press {undo_key} to undo.", version, deed, then)


def step_button(
    view: RunView, way: Way, step: Step | None, version: int, key: str, then: Callable[[], None] | None = None
) -> None:
    """The button that takes the last decision back, or brings again what was taken back; it names that `step`.

    Args:
        view: the run.
        way: `UNDO` or `REDO`.
        step: what it is about; None disables it.
        version: of the decisions as the page shows them.
        key: of the widget.
        then: done after it.
    """
    words = step_words(step.before, step.event) if step is not None else ""
    short = words if len(words) <= WIDTH else words[: WIDTH - 1] + "…"
    st.button(
        f"{way.label} {plain(short)}" if words else way.label,
        key=key,
        icon=f":material/{way.label.lower()}:",
        disabled=step is None,
        help=f"{way.label} {plain(words)} ({way.key})" if words else f"Nothing to {way.label.lower()}",
        on_click=_decide,
        args=(view, plain(f"{way.label_after}: {words}"), version, partial(way.verb, view), then),
    )


@st.fragment(run_every=FOLLOWED_S)
def follow(view: RunView, version: int) -> None:
    """Draw the page again when another window decided something."""
    if view.workspace.decisions_of(view.run).version != version:
        st.rerun()


def _decide(view: RunView, words: str, version: int, deed: Deed, then: Callable[[], None] | None = None) -> None:
    based_on = _latest(view, version)
    alone = curation.decided_in(view).version == based_on
    try:
        decided = deed(based_on=based_on)
    except ComusError as fault:
        notices.fault(fault)
        return
    if alone and decided.version > based_on:
        own = {**state.setting(_key(view), {}), based_on: decided.version}
        state.set_setting(_key(view), dict(list(own.items())[-MOST_OWN:]))
    notices.say(words)
    if then is not None:
        then()


def _latest(view: RunView, drawn: int) -> int:
    """The version that this window knows: of two presses in a row, the second comes before the page is drawn anew."""
    successors, version = state.setting(_key(view), {}), drawn
    while version in successors:
        version = successors[version]
    return int(version)


def _key(view: RunView) -> str:
    return f"own-decisions-{view.run.id}"

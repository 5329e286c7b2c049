"""Deciding from a page: the decision is written, said in a toast, and can be taken back by a button that names it."""

from __future__ import annotations

from collections.abc import Callable
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
WIDTH = 34  # characters of what an undo takes back, on its button


class Deed(Protocol):
    """A verb of `curation` that knows all but the version it rests on."""

    def __call__(self, *, based_on: int | None) -> Decisions:
        """Decide."""


def act(view: RunView, words: str, version: int, deed: Deed, then: Callable[[], None] | None = None) -> None:
    """Decide at a version of the decisions, show a notice of it or of the fault, and on success do `then`."""
    _decide(view, f"{plain(words)}. Press u to undo.", version, deed, then)


def undo(view: RunView, step: Step | None, version: int, key: str, *, bound: bool = False) -> None:
    """The button that takes the last decision back; `bound` lets it listen to its key."""
    decide = partial(_decide, view, version=version, deed=partial(curation.undo, view))
    _way_back("Undo", "Undone", key, step, decide, "u" if bound else None, "u")


def redo(view: RunView, step: Step | None, version: int, key: str, *, bound: bool = False) -> None:
    """The button that brings again what was taken back last."""
    decide = partial(_decide, view, version=version, deed=partial(curation.redo, view))
    _way_back("Redo", "Redone", key, step, decide, "Shift+u" if bound else None, "Shift+u")


def _way_back(
    label: str,
    label_after: str,
    key: str,
    step: Step | None,
    decide: Callable[[str], None],
    bound: str | None,
    shortcut: str,
) -> None:
    words = step_words(step.before, step.event) if step is not None else ""
    short = words if len(words) <= WIDTH else words[: WIDTH - 1] + "…"
    st.button(
        f"{label} {plain(short)}" if words else label,
        key=key,
        icon=f":material/{label.lower()}:",
        disabled=step is None,
        help=f"{label} {plain(words)} ({shortcut})" if words else f"Nothing to {label.lower()}",
        shortcut=bound,
        on_click=partial(decide, plain(f"{label_after}: {words}")),
    )


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

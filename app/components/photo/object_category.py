"""The category of an object that is being drawn: one that exists, or a new one by its name."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.shared import choices, fields
from comus_core.runs.run_view import RunView
from comus_core.text import one_line
from comus_core.workspace.decisions import Decisions

NEW = -1  # in place of an id: the category of the name that was typed
LIST, NAME = "object-category", "object-new-category"


def choose(view: RunView, name: str, decided: Decisions, first: int | None) -> None:
    """The list of categories and the field for the name of a new one, for what is drawn as `name`.

    `first` is chosen at first; None: a person must choose, since nothing tells what is drawn.
    """
    words, chosen = _offered(view, name, decided, first)
    about = _about(view, name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="object_category"):
        fields.choice_or_none(
            "Category of the new object",
            LIST,
            chosen,
            list(words),
            lambda category: state.set_setting(f"{LIST}-{about}", category),
            about=about,
            format_func=words.__getitem__,
            placeholder="Choose a category",
            width=260,
        )
        fields.text(
            "Or a new category",
            NAME,
            _typed(view, name),
            lambda typed: _type(view, name, typed),
            about=about,
            placeholder="New category…",
            icon=":material/new_label:",
            max_chars=60,
            width=220,
            autocomplete="off",
        )


def chosen_now(view: RunView, name: str, decided: Decisions, first: int | None) -> int | str | None:
    """The id of the chosen category, or the name of a new one, when the object is saved; None: nothing is chosen."""
    words, chosen = _offered(view, name, decided, first)
    category = state.entered(LIST, chosen, among=words)
    return _typed(view, name) if category == NEW else category


def keep(view: RunView, name: str, category: int) -> None:
    """An object was saved in a category, which may be new: it is chosen for the next one."""
    about = _about(view, name)
    state.set_setting(f"{NAME}-{about}", "")
    state.set_setting(f"{LIST}-{about}", category)


def _offered(view: RunView, name: str, decided: Decisions, first: int | None) -> tuple[dict[int, str], int | None]:
    """Id -> words of what can be chosen, and what is chosen now; nothing if every category is rejected."""
    words = choices.distinct({k: decided.name_of(k) for k in view.categories(decided).ids})
    if typed := _typed(view, name):
        words[NEW] = f"new: {typed}"
    chosen = state.setting(f"{LIST}-{_about(view, name)}", first)
    if chosen not in words:
        chosen = first if first in words else None
    return words, chosen


def _about(view: RunView, name: str) -> str:
    return f"{view.run.id}-{name}"


def _typed(view: RunView, name: str) -> str:
    return str(state.setting(f"{NAME}-{_about(view, name)}", ""))


def _type(view: RunView, name: str, typed: str) -> None:
    wanted, about = one_line(typed), _about(view, name)
    state.set_setting(f"{NAME}-{about}", wanted)
    state.set_setting(f"{LIST}-{about}", NEW if wanted else None)

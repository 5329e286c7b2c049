"""The keys of the Name clusters page, and the suggestions below its field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.components.shared import keyboard

KEYS = {
    "Enter": "save the name and go to the next cluster without one; outside of the field: back into it",
    "↓, ↑": "choose a suggestion",
    "Ctrl+Enter": "merge with the cluster of the same name",
    "Esc": "leave the field; what is not saved goes",
    "n, →": "next cluster",
    "p, ←": "previous cluster",
    "r": "reject the cluster: it counts as background",
    "m": "merge with the cluster of the same name",
    "u, Ctrl+Z": "undo",
    "U, Ctrl+Shift+Z": "redo",
    "?": "show these keys",
}
_mount = st.components.v2.component(
    "comus_naming_keys",
    html='<ul id="comus-suggestions" class="comus-suggestions" role="listbox" aria-label="Suggested names" data-stays>'
    "</ul>"
    '<p class="comus-naming-hint" role="status"></p>',
    js=keyboard.script(Path(__file__).with_suffix(".js")),
    isolate_styles=False,
)


def listen(
    *, label: str, saved: str, turn: int, names: Sequence[str], taken: Sequence[str], ahead: Sequence[str]
) -> None:
    """Draw the suggestions and answer keys.

    Args:
        label: of the field.
        saved: the name that the cluster has.
        turn: another number lets the field take the keyboard.
        names: to suggest.
        taken: names that other clusters have.
        ahead: addresses of images to fetch for the cluster that comes next.
    """
    data = {"label": label, "saved": saved, "turn": turn, "names": [*names], "taken": [*taken], "ahead": [*ahead]}
    _mount(key="naming_keys", data=data)


def help_button() -> None:
    """A button that unfolds the list of keys."""
    with st.popover("Keys", icon=":material/keyboard:", key="naming_help"):
        st.markdown("The first four work in the field, Ctrl+Z also there, the others outside of it:")
        st.markdown(keyboard.table(KEYS))

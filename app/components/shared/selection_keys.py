"""The keys of the bar of actions on a selection, and the list of them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import state
from app.components.shared import keyboard

# Key: (part of the bar that it presses or puts the cursor in, what it does). Capital letters: pages use the small ones.
KEYS = {
    "v": ("to", "choose the category to move the selected objects to"),
    "V": ("move", "move the selected objects"),
    "N": ("new", "name a new category of the selected objects"),
    "R": ("reject", "reject the selected objects"),
    "B": ("put_back", "restore rejected and erased ones of the selected objects"),
    "A": ("accept", "accept the selected objects"),
    "E": ("erase", "erase the masks of the selected objects"),
    "X": ("exclude", "exclude the images of the selected objects, or include them again"),
    "L": ("more", "more like the selected objects"),
    "O": ("export", "export the selected objects"),
}
WORDS = {f"Shift+{key}" if key.isupper() else key: does for key, (_, does) in KEYS.items()}
UNDO_KEYS = {"u, Ctrl+Z": "undo", "U, Ctrl+Shift+Z": "redo"}
SEVERAL = (
    "Where a page has several selections, keys act on the one whose buttons hold the focus, "
    "else on the one that changed last."
)
_CHANGES = "selection-changes"  # key of each bar -> what was selected, how recently it changed, version of decisions
_mount = st.components.v2.component(
    "comus_selection_keys",
    html="<i hidden></i>",
    js=keyboard.script(Path(__file__).with_suffix(".js")),
    isolate_styles=False,
)


def listen(key: str, selected: str, version: int) -> None:
    """Answer the keys for the bar whose widgets' keys begin with `key`.

    Of several bars of a page the one acts that holds the focus, else the one whose selection changed last; a bar that
    lacks what a key presses, as one without a selection does, leaves the key to the others.

    Args:
        key: of the bar.
        selected: differs for another selection; "" for none.
        version: of the decisions as the page shows them.
    """
    keys = {letter: part for letter, (part, _) in KEYS.items()}
    _mount(key=f"{key}_keys", data={"bar": key, "changed": _changed(key, selected, version), "keys": keys})


def _changed(key: str, selected: str, version: int) -> int:
    """How recently the selection of a bar changed: a higher number is later, 0 is never.

    What a decision does to a selection, such as that a cell of the confusion matrix has other proposals then, is no
    change by a person.
    """
    known: dict[str, tuple[str, int, int]] = state.setting(_CHANGES, {})
    before, number, seen = known.get(key, ("", 0, version))
    if selected and selected != before and (not before or seen == version):
        number = 1 + max((n for _, n, _ in known.values()), default=0)
    if known.get(key) != (selected, number, version):
        state.set_setting(_CHANGES, {**known, key: (selected, number, version)})
    return number


def help_button(key: str) -> None:
    """A button that unfolds the list of keys."""
    with st.popover("Keys", icon=":material/keyboard:", key=f"{key}_help", type="tertiary"):
        st.markdown(keyboard.table(WORDS | UNDO_KEYS))
        st.caption(SEVERAL)

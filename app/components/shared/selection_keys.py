"""The keys of the bar of actions on a selection, and the list of them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.components.shared import keyboard

# Key: (part of the bar that it presses or puts the cursor in, what it does). Capital letters: pages use the small ones.
KEYS = {
    "v": ("to", "choose the category to move the selected proposals to"),
    "V": ("move", "move the selected proposals"),
    "N": ("new", "name a new category of the selected proposals"),
    "R": ("reject", "reject the selected proposals"),
    "B": ("put_back", "restore rejected and erased ones of the selected proposals"),
    "A": ("accept", "accept the selected proposals"),
    "E": ("erase", "erase the masks of the selected proposals"),
    "X": ("exclude", "exclude the images of the selected proposals, or include them again"),
    "L": ("more", "more like the selected proposals"),
    "O": ("export", "export the selected proposals"),
}
WORDS = {f"Shift+{key}" if key.isupper() else key: does for key, (_, does) in KEYS.items()}
UNDO_KEYS = {"u, Ctrl+Z": "undo", "U, Ctrl+Shift+Z": "redo"}
_mount = st.components.v2.component(
    "comus_selection_keys",
    html="<i hidden></i>",
    js=keyboard.script(Path(__file__).with_suffix(".js")),
    isolate_styles=False,
)


def listen(key: str) -> None:
    """Answer the keys for the bar whose widgets' keys begin with `key`; of several bars the first on the page acts."""
    _mount(key=f"{key}_keys", data={"bar": key, "keys": {letter: part for letter, (part, _) in KEYS.items()}})


def help_button(key: str) -> None:
    """A button that unfolds the list of keys."""
    with st.popover("Keys", icon=":material/keyboard:", key=f"{key}_help", type="tertiary"):
        st.markdown(keyboard.table(WORDS | UNDO_KEYS))

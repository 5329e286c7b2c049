"""The keys of the Clusters page, and the selection of crops to be moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.components.shared import keyboard, selection_keys

KEYS = {
    "j, ↓": "next card; in an open cluster, next crop",
    "k, ↑": "previous card or crop",
    "x": "select or deselect the card or crop",
    "o, Enter": "open the cluster of the card, or the image of the crop",
    "b": "open the cluster beside its nearest one",
    "c": "open the two clusters most often confused",
    "Esc": "back to all clusters; leave a field",
    "n": "rename the cluster",
    "[, ]": "previous page, next page",
    "m": "merge the selected clusters",
    "s": "split the selected cluster",
    "r": "reject the selected clusters",
    "u, Ctrl+Z": "undo",
    "U, Ctrl+Shift+Z": "redo",
    "?": "show these keys",
    **selection_keys.WORDS,
}
_mount = st.components.v2.component(
    "comus_cluster_keys",
    html="<i hidden></i>",
    js=keyboard.script(Path(__file__).with_suffix(".js")),
    isolate_styles=False,
)


def listen() -> Mapping[str, Any] | None:
    """Answer keys; returns the crops selected or deselected just now: {ids, picked}."""
    pressed = _mount(key="cluster_keys", on_crops_change=lambda: None).crops
    return pressed if isinstance(pressed, Mapping) else None


def help_button() -> None:
    """A button that unfolds the list of keys."""
    with st.popover("Keys", icon=":material/keyboard:", key="cluster_help"):
        st.markdown(keyboard.table(KEYS))

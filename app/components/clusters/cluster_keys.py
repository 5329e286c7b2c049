"""The keys of the Clusters page, and the crops that are picked to be moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

KEYS = {
    "j, ↓": "next card; in an opened cluster the next crop",
    "k, ↑": "previous card or crop",
    "x": "select or deselect the card, pick or let go the crop",
    "o, Enter": "open the card; of a crop its photograph",
    "b": "open the card's cluster beside its nearest",
    "c": "open the two most often confused",
    "Esc": "back to all clusters; out of a field",
    "n": "name the card's cluster",
    "[, ]": "previous page, next page",
    "v": "choose where picked crops go",
    "V": "move the picked crops there",
    "m": "merge the selected",
    "s": "split the selected one",
    "r": "reject the selected",
    "u, Ctrl+Z": "undo",
    "U, Ctrl+Shift+Z": "redo",
    "?": "these keys",
}
_mount = st.components.v2.component(
    "comus_cluster_keys",
    html="<i hidden></i>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def listen() -> Mapping[str, Any] | None:
    """Answer keys; returns the crops picked or let go just now: {ids, picked}."""
    pressed = _mount(key="cluster_keys", on_crops_change=lambda: None).crops
    return pressed if isinstance(pressed, Mapping) else None


def help_button() -> None:
    """A button that unfolds the list of keys."""
    with st.popover("Keys", icon=":material/keyboard:", key="cluster_help"):
        st.markdown("\n".join(["| Key | |", "|---|---|", *(f"| `{keys}` | {does} |" for keys, does in KEYS.items())]))

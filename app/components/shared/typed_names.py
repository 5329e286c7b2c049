"""Names that are typed and not saved yet, kept in the tab of the browser. Mounted once, in the frame."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_mount = st.components.v2.component(
    "comus_typed_names",
    html="<i hidden></i>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def keep() -> None:
    """Put them back into their fields when those are drawn anew."""
    _mount(key="typed_names")

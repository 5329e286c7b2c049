"""Links inside `st.html` that change the page without loading the app anew, and the browser's way back.

`<a class="comus-link" href="image?run=…&proposal=…">` stays a real link: it opens in a new tab as ever.
Within a page, Back and Forward change the address only: the script hears of it here.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from app import state
from app.components.shared import navigation

_mount = st.components.v2.component(
    "comus_soft_links",
    html="<i hidden></i>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def follow() -> None:
    """Follow a link of class `comus-link` that was clicked just now, or the way back. Mounted once, in the frame."""
    link = _mount(key="soft_links", on_go_change=lambda: None, on_back_change=lambda: None)
    if link.back:
        state.follow_history(str(link.back))
    address = link.go
    if address:
        target = urlsplit(str(address))
        name = target.path.strip("/")
        if name in navigation.PAGES:
            navigation.go(name, **dict(parse_qsl(target.query)))

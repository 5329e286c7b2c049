"""Links inside `st.html` that change the page without loading the app anew, so that the session lives on.

`<a class="comus-link" href="image?run=…&proposal=…">` stays a real link: it opens in a new tab as ever.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import streamlit as st

from app import navigation

_mount = st.components.v2.component(
    "comus_soft_links",
    html="<i hidden></i>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def follow() -> None:
    """Follow a link of class `comus-link` that was clicked just now. Mounted once, in the frame."""
    clicked = _mount(key="soft_links", on_go_change=lambda: None).go
    if clicked:
        target = urlsplit(str(clicked))
        name = target.path.strip("/")
        if name in navigation.PAGES:
            navigation.go(name, **dict(parse_qsl(target.query)))

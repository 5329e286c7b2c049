"""Pictures of one image side by side: zoom, place and opacity are shared and stay in the browser, no rerun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "comus_panes",
    html=(_HERE / "panes.html").read_text(encoding="utf-8"),
    css=(_HERE / "panes.css").read_text(encoding="utf-8"),
    js=(_HERE / "panes.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Pane:
    """One pane.

    Attributes:
        name: short and without spaces, an identifier.
        title: above it.
        note: behind the title, quieter.
        layer: address of a transparent PNG over the image; empty shows the image alone.
        dim: how far the image below the layer is darkened and greyed, 0…1.
    """

    name: str
    title: str
    note: str = ""
    layer: str = ""
    dim: float = 0.4


def panes(*, key: str, image_id: str, url: str, size_hw: tuple[int, int], shown: Sequence[Pane]) -> None:
    """Show them.

    Args:
        key: of the element.
        image_id: the image; another one is fitted to the view again.
        url: of the image, at a size for the page.
        size_hw: its height and width in pixels.
        shown: from left to right.
    """
    height, width = size_hw
    _mount(
        key=key,
        data={"image": image_id, "url": url, "ratio": width / height, "panes": [asdict(pane) for pane in shown]},
    )

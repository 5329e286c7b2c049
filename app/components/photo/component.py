"""An image with transparent layers over it: toggles and opacity stay in the browser, no rerun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "comus_photo",
    html='<div class="photo"></div>',
    css=(_HERE / "photo.css").read_text(encoding="utf-8"),
    js=(_HERE / "photo.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: under which the browser remembers its toggle and opacity, from image to image.
        label: the words beside the toggle.
        url: of a transparent PNG, scaled to the image.
        shown: whether it is on at first.
        opacity: at first, 0…1.
    """

    name: str
    label: str
    url: str
    shown: bool = False
    opacity: float = 0.6


def photo(*, key: str, url: str, full_url: str, size_hw: tuple[int, int], alt: str, layers: Sequence[Layer]) -> None:
    """Show an image; keys 1, 2, … switch its layers, H hides them while it is held down.

    Args:
        key: of the element.
        url: of the image, at a size for the page.
        full_url: of the image at full size, opened by a click.
        size_hw: height and width in pixels: the place is reserved before the image arrives.
        alt: its description for screen readers.
        layers: from the lowest to the topmost.
    """
    height, width = size_hw
    _mount(
        key=key,
        data={
            "url": url,
            "fullUrl": full_url,
            "width": width,
            "height": height,
            "alt": alt,
            "layers": [asdict(layer) for layer in layers],
        },
    )

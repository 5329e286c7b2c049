"""A virtual grid of images: of 100,000 the browser holds the few in view; density and masks change without a rerun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app import state

_HERE = Path(__file__).parent
_mount = st.components.v2.component(
    "comus_image_grid",
    html=(_HERE / "image_grid.html").read_text(encoding="utf-8"),
    css=(_HERE / "image_grid.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / f"{name}.js").read_text(encoding="utf-8") for name in ("pages", "picks", "image_grid")),
)


def image_grid(
    *,
    key: str,
    about: str,
    count: int,
    list_url: str,
    image_url: str,
    picked: str,
    on_picked: Callable[[str], None],
    label: str,
) -> int | None:
    """Show the grid.

    Args:
        key: of the element.
        about: what the list is of, such as a run and a filter: the place scrolled to is remembered under it.
        count: images in the list.
        list_url: address of the list; the browser adds `at` and `n`. An address names its answer.
        image_url: address of an image, with `{row}`, `{look}`, `{size}` and `{plain}`.
        picked: the selected places, as `photo_filter.to_ranges` writes them.
        on_picked: receives the places that are selected now; Streamlit calls it before the script runs again.
        label: what a screen reader calls the grid.

    Returns:
        The place of the image to open, else None.
    """

    def receive(events: Any) -> None:
        sent = _of_list(events.get("picked"), list_url)
        if sent and isinstance(sent.get("ranges"), str):
            on_picked(sent["ranges"])

    result = _mount(
        key=key,
        data={
            "about": about,
            "count": count,
            "listUrl": list_url,
            "imageUrl": image_url,
            "picked": picked,
            "label": label,
        },
        on_picked_change=state.on_change(key, receive),
        on_opened_change=lambda: None,
    )
    sent = _of_list(result.get("opened"), list_url)
    place = sent.get("place") if sent else None
    return int(place) if isinstance(place, int | float) and 0 <= place < count else None


def _of_list(event: Any, list_url: str) -> Mapping[str, Any] | None:
    """What was sent, if it is about the list that is shown: places of another mean other images."""
    return event if isinstance(event, Mapping) and event.get("list") == list_url else None

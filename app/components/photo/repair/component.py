"""The mask editor: strokes and their undo stay in the browser; only whole masks are sent, as run lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app import state
from app.data.mask_drafts import Draft

_HERE = Path(__file__).parent
_SCRIPTS = ("mask", "surface", "editor", "mount")  # one module, in this order
_mount = st.components.v2.component(
    "comus_mask_editor",
    html=(_HERE / "repair.html").read_text(encoding="utf-8"),
    css=(_HERE / "repair.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
)


def mask_editor(
    *,
    key: str,
    name: str,
    url: str,
    alt: str,
    size_hw: tuple[int, int],
    runs: str,
    colour: str,
    threshold: float | None,
    draft: Draft | None,
    saved: int,
    fresh: bool,
    original: bool,
    on_save: Callable[[Mapping[str, Any]], None],
    on_separate: Callable[[Mapping[str, Any]], None],
    on_edit: Callable[[Mapping[str, Any]], None],
    on_cancel: Callable[[], None],
) -> None:
    """Show it.

    Args:
        key: of the element.
        name: under which the browser keeps what was drawn and not saved, while its tab is open.
        url: of the image at full size.
        alt: its description.
        size_hw: its height and width.
        runs: the mask at first, see `mask_edits.to_runs`.
        colour: `#rrggbb` of the mask.
        threshold: of the soft map at first; None if there is no soft map.
        draft: the answer to the last edit that was sent, or to a mask that could not be saved.
        saved: number of the last mask that was saved: the browser need not keep it any more.
        fresh: whether a new object is drawn, not the mask of one that is there.
        original: whether the detector has a mask of it.
        on_save: receives the drawn mask: `name`, `number`, `runs`; again, with the same number, until it is answered.
        on_separate: receives a part that is to be an object, in the same way.
        on_edit: receives an edit of the whole mask: `op`, `amount`, `runs`.
        on_cancel: called when the person leaves without saving.
    """

    def save(events: Any) -> None:
        if isinstance(drawn := events.get("save"), Mapping):
            on_save(drawn)

    def separate(events: Any) -> None:
        if isinstance(drawn := events.get("separate"), Mapping):
            on_separate(drawn)

    def edit(events: Any) -> None:
        if isinstance(wanted := events.get("edit"), Mapping):
            on_edit(wanted)

    def cancel(events: Any) -> None:
        if events.get("cancel"):
            on_cancel()

    height, width = size_hw
    _mount(
        key=key,
        data={
            "name": name,
            "url": url,
            "alt": alt,
            "width": width,
            "height": height,
            "runs": runs,
            "colour": colour,
            "threshold": threshold,
            "fresh": fresh,
            "original": original,
            "draft": draft.to_json() if draft is not None else None,
            "saved": saved,
        },
        on_save_change=state.on_change(key, save),
        on_separate_change=state.on_change(key, separate),
        on_edit_change=state.on_change(key, edit),
        on_cancel_change=state.on_change(key, cancel),
    )

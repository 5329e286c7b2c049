"""The images of a data set that are excluded from runs: their number, undo, and the ticks that exclude more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app import state
from app.components.shared import notices, page_data
from comus_core import exclude_from_dataset
from comus_core.errors import ComusError
from comus_core.pipelines.image_health import spare_duplicates
from comus_core.pipelines.verb_settings import DatasetExclusionSettings
from comus_core.text import counted

STYLE = Path(__file__).with_name("image_picks.css")
DUPLICATES, FLAGGED = ("exact", "near"), ("exact", "near", "tiny", "dark", "blurry")
_ticks = st.components.v2.component(
    "comus_image_picks",
    html="<i hidden></i>",
    js=Path(__file__).with_name("image_picks.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def show(spec: str) -> None:
    """How many images are excluded, and the way back."""
    st.html(STYLE)
    _ticks(key="image_ticks", on_ticked_change=state.on_change("image_ticks", partial(_receive, spec)))
    record = page_data.workspace().exclusions.read(spec)
    if not record.steps:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="excluded_head"):
        st.markdown(f"**{counted(len(record.images), 'image')} excluded** from new runs", width="content")
        last = record.steps[-1]
        step = f"{'exclusion' if last.kind == 'exclude' else 'inclusion'} of {counted(len(last.images), 'image')}"
        st.button(
            f"Undo {step}",
            key="exclusion_undo",
            icon=":material/undo:",
            on_click=_change,
            args=(spec, DatasetExclusionSettings(undo=True, last=last.number), f"Undone: {step}"),
        )


def actions(spec: str, report: Mapping[str, Any] | None, group: str, shown: Sequence[str]) -> None:
    """The buttons that exclude a whole group of the report at once, or include it again."""
    excluded = set(page_data.workspace().exclusions.read(spec).images)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="exclusion_actions"):
        if report is not None and group in DUPLICATES:
            spare = spare_duplicates({"exact": [], "near": [], group: report[group]}, excluded)
            _button(
                "Keep one of each",
                "keep_one",
                "filter_none",
                spec,
                spare,
                "exclude",
                "Excludes all but the first",
            )
        if group in FLAGGED:
            rest = [image_id for image_id in shown if image_id not in excluded]
            if group not in DUPLICATES:
                words = f"Exclude {counted(len(rest), 'image')}"
                _button(words, "exclude_group", "hide_image", spec, rest, "exclude", "Excludes the whole group")
        back = [image_id for image_id in shown if image_id in excluded]
        if back:
            words = f"Include {counted(len(back), 'image')}"
            _button(words, "include_group", "image", spec, back, "include", "Includes what is excluded here")
        st.caption("Tick an image to exclude it from new runs; Shift extends.", width="content")


def tick(name: str, excluded: bool) -> str:
    """HTML of the tick box of an image; `name` is its id as HTML."""
    words = f"Include {name}" if excluded else f"Exclude {name}"
    pressed = str(excluded).lower()
    return (
        f'<button type="button" class="comus-tick" role="checkbox" data-tick="{name}" aria-checked="{pressed}" '
        f'title="{words}" aria-label="{words}"></button>'
    )


def _button(label: str, key: str, icon: str, spec: str, images: Sequence[str], kind: str, help_words: str) -> None:
    include = kind == "include"
    after = f"{'Included' if include else 'Excluded'} {counted(len(images), 'image')}"
    st.button(
        label,
        key=key,
        icon=f":material/{icon}:",
        disabled=not images,
        help=help_words if images else "Nothing to do: done before",
        on_click=_change,
        args=(spec, DatasetExclusionSettings(tuple(images), include=include), after),
    )


def _receive(spec: str, result: Mapping[str, Any]) -> None:
    """The ticks set or cleared just now."""
    event = result.get("ticked")
    if isinstance(event, Mapping) and event.get("images"):
        images, include = tuple(map(str, event["images"])), not event.get("excluded")
        after = f"{'Included' if include else 'Excluded'} {counted(len(images), 'image')}"
        _change(spec, DatasetExclusionSettings(images, include=include), after)


def _change(spec: str, settings: DatasetExclusionSettings, after: str) -> None:
    try:
        exclude_from_dataset(spec, page_data.workspace(), settings)
    except ComusError as fault:
        notices.fault(fault)
    else:
        notices.say(after)

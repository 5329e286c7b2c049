"""The conditions of the image grid, kept in the address."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.shared import choices, fields
from app.data import photo_filter
from app.data.photo_filter import NONE
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

ALL = ""
SIDES = {ALL: "Core and filtered", "core": "Core", "filtered": "Filtered"}
IMAGES = {
    ALL: "All images",
    "proposals": "Without a proposal",
    "excluded": "Excluded",
    "student": "Disagrees with round {}",
}
VALUE_OF = {"proposals": NONE, "excluded": "yes", "student": "disagrees"}


def show(view: RunView, decided: Decisions) -> dict[str, str]:
    """Draw the conditions; returns those in force."""
    values = {k: v for k, v in photo_filter.from_text(state.parameter(state.FILTER)).items() if k in _offered(view)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="photo_filter"):
        _category(view, decided, values)
        with st.container(width=260, key="photo_confidence_place"):
            fields.span(
                "Confidence",
                "photo_confidence",
                photo_filter.span_of(values.get("confidence", "")),
                lambda span: _set("confidence", photo_filter.span_text(*span)),
                help="Images with a proposal whose score, the mean saliency inside its mask, lies in this range",
            )
        _select("Filter side", "photo_side", SIDES, values.get("side", ALL), partial(_set, "side"), 190)
        _images(view, values)
        st.button(
            "Show all",
            key="photo_all",
            icon=":material/filter_alt_off:",
            disabled=not values,
            on_click=state.set_parameter,
            args=(state.FILTER, ""),
        )
    return values


def _category(view: RunView, decided: Decisions, values: dict[str, str]) -> None:
    labels = view.labels(decided)
    words = {ALL: "All categories"} | {str(k): name for k, name in zip(labels.ids, labels.names, strict=True)}
    words |= {NONE: "In no category"}
    shown = values.get("category", ALL)
    if shown.isdecimal():
        shown = str(decided.layout.into.get(int(shown), int(shown)))
    words |= {} if shown in words else {shown: "A category that is gone"}
    _select("Category", "photo_category", words, shown, partial(_set, "category"), 220)


def _images(view: RunView, values: dict[str, str]) -> None:
    """Conditions of whole images, of which one is chosen."""
    offered = {name: words for name, words in IMAGES.items() if name in (ALL, *_offered(view))}
    if "student" in offered:
        offered["student"] = offered["student"].format(photo_filter.last_round(view))
    shown = next((name for name in VALUE_OF if name in values), ALL)

    def take(name: str) -> None:
        rest = {k: v for k, v in _now().items() if k not in VALUE_OF}
        _keep(rest | ({name: VALUE_OF[name]} if name else {}))

    _select("Images", "photo_images", offered, shown, take, 230)


def _select(label: str, name: str, words: dict[str, str], shown: str, take: fields.Take, width: int) -> None:
    words = choices.distinct(words)
    fields.choice(label, name, shown, list(words), take, format_func=words.__getitem__, width=width)


def _offered(view: RunView) -> tuple[str, ...]:
    return photo_filter.offered(view)


def _now() -> dict[str, str]:
    return photo_filter.from_text(state.parameter(state.FILTER))


def _set(name: str, value: str) -> None:
    _keep({**_now(), name: value})


def _keep(values: dict[str, str]) -> None:
    state.set_parameter(state.FILTER, photo_filter.to_text(values))

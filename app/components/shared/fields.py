"""Widgets that show a value kept elsewhere and hand on what a person enters in them: the only ones that write.

Each takes the `value` that it is to show and `take`, which is called with what was entered where that is another value,
and never because the widget was drawn again (`state.field` says how). What is entered must be kept by `take`: at the
next run of the page the widget shows `value` again. `about` names what the value belongs to, such as the id of a run,
where a widget of one name is drawn for several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from app import state

V = TypeVar("V")
Take = Callable[[Any], Any]


def text(label: str, name: str, value: str, take: Take, *, about: str = "", **more: Any) -> str:
    """A line of text."""
    key = state.field(name, value, about)
    return str(st.text_input(label, value, key=key, on_change=state.edited(key, value, take), **more) or "")


def area(label: str, name: str, value: str, take: Take, *, about: str = "", **more: Any) -> str:
    """Several lines of text."""
    key = state.field(name, value, about)
    return str(st.text_area(label, value, key=key, on_change=state.edited(key, value, take), **more) or "")


def number(label: str, name: str, value: Any, take: Take, *, least: Any = None, most: Any = None, **more: Any) -> Any:
    """A number from `least` to `most`; None is an empty field."""
    key = state.field(name, value)
    return st.number_input(label, least, most, value, key=key, on_change=state.edited(key, value, take), **more)


def percent(label: str, name: str, value: float, take: Take, **more: Any) -> float:
    """A slider from 0 to 100 %."""
    key = state.field(name, value)
    on_change = state.edited(key, value, take)
    return float(
        st.slider(label, 0.0, 100.0, float(value), step=1.0, format="%g %%", key=key, on_change=on_change, **more)
    )


def slider(
    label: str, name: str, value: float, take: Take, *, least: float, most: float, step: float, **more: Any
) -> float:
    """A slider between two values."""
    key = state.field(name, value, about=f"{least}-{most}")
    on_change = state.edited(key, value, take)
    return float(st.slider(label, least, most, value, step, key=key, on_change=on_change, **more))


def span(label: str, name: str, value: tuple[int, int], take: Take, **more: Any) -> tuple[int, int]:
    """A slider with two ends from 0 to 100 %; `value` and what `take` receives are the lower and the upper one."""
    key = state.field(name, value)
    on_change = state.edited(key, value, take)
    low, high = st.slider(label, 0, 100, value, step=1, format="%d %%", key=key, on_change=on_change, **more)
    return int(low), int(high)


def tick(label: str, name: str, value: bool, take: Take, *, about: str = "", **more: Any) -> bool:
    """A checkbox."""
    key = state.field(name, value, about)
    return st.checkbox(label, value, key=key, on_change=state.edited(key, value, take), **more)


def switch(label: str, name: str, value: bool, take: Take, **more: Any) -> bool:
    """A toggle."""
    key = state.field(name, value)
    return st.toggle(label, value, key=key, on_change=state.edited(key, value, take), **more)


def choice(label: str, name: str, value: V, options: Sequence[V], take: Take, **more: Any) -> V:
    """A list to unfold, of which `value` is chosen."""
    key, offered = state.field(name, value), list(options)
    on_change = state.edited(key, value, take, among=offered)
    st.selectbox(label, offered, index=offered.index(value), key=key, on_change=on_change, **more)
    return value


def choice_or_none(
    label: str, name: str, value: V | None, options: Sequence[V], take: Take, *, about: str = "", **more: Any
) -> V | None:
    """A list to unfold, of which `value` is chosen, or nothing yet."""
    key, offered = state.field(name, value, about), list(options)
    on_change = state.edited(key, value, take, among=offered)
    index = None if value is None else offered.index(value)
    st.selectbox(label, offered, index=index, key=key, on_change=on_change, **more)
    return value


def buttons(label: str, name: str, value: V, options: Sequence[V], take: Take, **more: Any) -> V:
    """A row of buttons, of which that of `value` is down."""
    key, offered = state.field(name, value), list(options)
    on_change = state.edited(key, value, take, among=offered)
    st.segmented_control(label, offered, default=value, required=True, key=key, on_change=on_change, **more)
    return value


def several(label: str, name: str, value: Sequence[V], options: Sequence[V], take: Take, **more: Any) -> list[V]:
    """A list of which several are chosen."""
    key = state.field(name, list(value))
    on_change = state.edited(key, list(value), take)
    return list(st.multiselect(label, list(options), default=list(value), key=key, on_change=on_change, **more))


def page_of(pages: int, name: str, value: int, take: Take) -> int:
    """The control that turns pages, from 1."""
    key = state.field(name, value)
    return int(st.pagination(pages, default=value, key=key, on_change=state.edited(key, value, take)))

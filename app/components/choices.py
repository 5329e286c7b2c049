"""Small choices of a page that are remembered while the session lasts, across pages too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import streamlit as st

from app import state

V = TypeVar("V")


def segmented(label: str, words: Mapping[V, str], *, key: str) -> V:
    """A row of buttons, one of them down; `words` are value -> text, the first is chosen at first."""
    st.segmented_control(label, list(words), required=True, **_remembered(words, key), label_visibility="collapsed")
    return _chosen(words, key)


def selected(label: str, words: Mapping[V, str], *, key: str, width: Any = "stretch", hidden: bool = True) -> V:
    """A list to unfold; `words` are value -> text, the first is chosen at first."""
    words = distinct(words)
    visibility: Any = "collapsed" if hidden else "visible"
    st.selectbox(label, list(words), **_remembered(words, key), label_visibility=visibility, width=width)
    return _chosen(words, key)


def searched(label: str, *, key: str, width: Any = "stretch") -> str:
    """A field for words to look for."""
    return str(
        st.text_input(
            label,
            key=state.put(key, state.setting(key, "")),
            on_change=_keep(key),
            placeholder=label,
            icon=":material/search:",
            label_visibility="collapsed",
            width=width,
        )
    )


def distinct(words: Mapping[V, str]) -> dict[V, str]:
    """The texts, with the value before each that several values share: the browser answers with the text alone."""
    times = Counter(words.values())
    return {value: f"{value} · {text}" if times[text] > 1 else text for value, text in words.items()}


def _remembered(words: Mapping[V, str], key: str) -> dict[str, Any]:
    return {
        "key": state.put(key, _chosen(words, key)),
        "on_change": _keep(key),
        "format_func": lambda value: words[value],
    }


def _chosen(words: Mapping[V, str], key: str) -> V:
    value = state.setting(key, None)
    return value if value in words else next(iter(words))


def _keep(key: str) -> Callable[[], None]:
    return state.on_change(key, lambda value: state.set_setting(key, value))

"""Small choices of a page that are remembered while the session lasts, across pages too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app import state
from app.components.shared import fields

V = TypeVar("V")


def segmented(label: str, words: Mapping[V, str], *, key: str) -> V:
    """A row of buttons, one of them down; `words` are value -> text, the first is chosen at first."""
    return fields.buttons(
        *(label, key, _kept(words, key), list(words), _keep(key)),
        format_func=words.__getitem__,
        label_visibility="collapsed",
    )


def selected(label: str, words: Mapping[V, str], *, key: str, width: Any = "stretch", hidden: bool = True) -> V:
    """A list to unfold; `words` are value -> text, the first is chosen at first."""
    words = distinct(words)
    return fields.choice(
        *(label, key, _kept(words, key), list(words), _keep(key)),
        format_func=words.__getitem__,
        label_visibility="collapsed" if hidden else "visible",
        width=width,
    )


def selected_now(words: Mapping[V, str], *, key: str) -> V:
    """What is selected when a button is pressed: that may come before the page was drawn with it."""
    words = distinct(words)
    return state.entered(key, _kept(words, key), among=words)


def searched(label: str, *, key: str, width: Any = "stretch") -> str:
    """A field for words to look for."""
    return fields.text(
        *(label, key, str(state.setting(key, "")), _keep(key)),
        placeholder=label,
        icon=":material/search:",
        label_visibility="collapsed",
        width=width,
    )


def distinct(words: Mapping[V, str]) -> dict[V, str]:
    """The texts, with the value before each that several values share: the browser answers with the text alone."""
    times = Counter(words.values())
    return {value: f"{value} · {text}" if times[text] > 1 else text for value, text in words.items()}


def _kept(words: Mapping[V, str], key: str) -> V:
    value = state.setting(key, None)
    return value if value in words else next(iter(words))


def _keep(key: str) -> Callable[[Any], None]:
    return lambda value: state.set_setting(key, value)

"""Short notices in the corner: queued in a callback, drawn by the page or the fragment that is drawn next.

What a callback draws itself falls into the place of the page's first elements when only a fragment is drawn again: the
app's style was lost to it, and the notice never seen.
"""

from __future__ import annotations

import streamlit as st

from app import state
from app.data.plain_text import sentence

WAITING = "notices"
Notice = tuple[str, str, str]  # words in Markdown, icon, how long it stays


def say(words: str, icon: str = "check") -> None:
    """Say that something was done."""
    _add((words, icon, "short"))


def fault(error: Exception | str) -> None:
    """Say why something could not be done."""
    _add((sentence(error), "error", "long"))


def show() -> None:
    """Draw the notices since the last time; every page does, and every fragment whose buttons leave notices."""
    for words, icon, stay in state.setting(WAITING, ()):
        st.toast(words, icon=f":material/{icon}:", duration="long" if stay == "long" else "short")
    state.set_setting(WAITING, ())


def _add(notice: Notice) -> None:
    state.set_setting(WAITING, (*state.setting(WAITING, ()), notice))

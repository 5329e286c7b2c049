"""The glossary: the term that a link named first, then all of them; and the words of a row, each with its meaning."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import state
from app.components.shared import choices
from app.data import glossary

STYLE = Path(__file__).with_suffix(".css")


def show() -> None:
    """Draw the page."""
    named = state.parameter(state.TERM)
    state.set_parameter(state.TERM, named)
    search = choices.searched("Find a term", key="glossary_search", width=260).strip().casefold()
    try:
        first = glossary.entry_of(named) if named else None
    except KeyError:
        first = None
    known = glossary.terms().items()
    entries = [entry for entry in known if entry[0] == first or search in " ".join(entry).casefold()]
    entries.sort(key=lambda entry: entry[0] != first)  # stable: the named one goes first
    st.html(STYLE)
    if not entries:
        st.caption("No term with these words.")
    listed = "".join(_entry(term, meaning, term == first) for term, meaning in entries)
    st.html(f'<dl class="comus-glossary">{listed}</dl>')


def explained(words: Sequence[str], *, key: str) -> None:
    """A row of small words, each with a "?" that says what it means: for columns and lines drawn as HTML."""
    with st.container(horizontal=True, gap="medium", width="content", key=key):
        for word in words:
            st.caption(word, help=glossary.term_help(word), width="content")


def _entry(term: str, meaning: str, is_named: bool) -> str:
    mark = " data-named" if is_named else ""
    return f"<dt{mark}>{html.escape(term)}</dt><dd{mark}>{html.escape(meaning)}</dd>"

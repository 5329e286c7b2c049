"""The words of this project and their meanings, as `docs/glossary.md` has them. No Streamlit."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

FILE = Path(__file__).with_suffix(".json")  # written by docs/generate.py from docs/glossary.md


@lru_cache(maxsize=1)
def terms() -> dict[str, str]:
    """Term, such as `core / filtered`, -> meaning, in alphabetical order."""
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def entry_of(term: str) -> str:
    """The entry of a term: `core` and `filtered` are both in `core / filtered`.

    Raises:
        KeyError: the glossary has no such term.
    """
    wanted = term.strip().casefold()
    for entry in terms():
        if wanted in (entry.casefold(), *re.split(r" / |, ", entry.casefold())):
            return entry
    raise KeyError(f"'{term}' is not in docs/glossary.md")


def term_help(term: str) -> str:
    """What a "?" beside a word says, in Markdown: the meaning, and a link to the glossary.

    Raises:
        KeyError: the glossary has no such term.
    """
    entry = entry_of(term)
    return f"**{entry}**: {terms()[entry]} [Glossary](glossary?{urlencode({'term': term.strip().casefold()})})"


def term_title(term: str) -> str:
    """The meaning alone, in plain text, for the title of an element.

    Raises:
        KeyError: the glossary has no such term.
    """
    return terms()[entry_of(term)]

"""Signs of numbers as people read them, and as `st.metric` does. No Streamlit."""

from __future__ import annotations


def minus(words: str) -> str:
    """A number in words with a minus sign in place of the hyphen."""
    return words.replace("-", "−")


def delta(change: float, spec: str) -> str | None:
    """A difference for `st.metric`, None where it rounds to none.

    Its arrow and colour go by a hyphen in front: after a minus sign less would be shown as more.
    """
    shown = format(change, spec)
    return shown if any(digit in shown for digit in "123456789") else None

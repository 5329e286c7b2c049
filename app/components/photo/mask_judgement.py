"""Accept, reject or erase the open mask; undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from app.components.shared.deciding import act, redo, undo
from comus_core import curation
from comus_core.curation.filter_explanation import FilterExplanation
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def show(view: RunView, row: int, decided: Decisions, stands: FilterExplanation) -> None:
    """Draw the buttons for the proposal of a row.

    Accepted, it is trained on at every filter; rejected, it is background, and ignored beside masks that are kept;
    erased, it is as if it had never been found.
    """
    name, version, steps = str(view.proposals.proposal_id[row]), decided.version, curation.history(view)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="mask_judgement"):
        _button(
            "Accept",
            "check",
            "Keep this mask in training at every filter",
            "a",
            not stands.accepted,
            lambda: act(view, f"Accepted {name}", version, partial(curation.accept, view, [name])),
        )
        _button(
            "Reject",
            "block",
            "Remove it from its cluster: background in scores, and in training ignored beside kept masks",
            "x",
            stands.cluster >= 0,
            lambda: act(view, f"Rejected {name}", version, partial(curation.move, view, [name], None)),
        )
        _button(
            "Erase",
            "ink_eraser",
            "Not an object: its pixels are background, in training too",
            "e",
            not stands.erased,
            lambda: act(view, f"Erased {name}", version, partial(curation.erase, view, [name])),
        )
        undo(view, steps.undoable, version, "undo_judgement", bound=True)
        redo(view, steps.redoable, version, "redo_judgement", bound=True)


def _button(label: str, icon: str, help_text: str, key: str, enabled: bool, deed: Callable[[], Any]) -> None:
    st.button(
        label,
        key=f"{label.lower()}_mask",
        icon=f":material/{icon}:",
        help=help_text,
        shortcut=key,
        disabled=not enabled,
        on_click=deed if enabled else None,
    )

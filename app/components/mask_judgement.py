"""Accept, reject or erase the mask that is looked at; undo and redo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.components.cluster_actions import act, way_back
from comus_core import curating
from comus_core.run_view import RunView
from comus_core.standing import Standing
from comus_core.workspace.decisions import Decisions


def show(view: RunView, row: int, decided: Decisions, stands: Standing) -> None:
    """Draw the buttons for the proposal of a row.

    Accepted, it is trained on at every filter; rejected, it is background, and ignored beside masks that are kept;
    erased, it is as if it had never been found.
    """
    name, now, found = str(view.proposals.proposal_id[row]), decided.version, curating.history(view)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="mask_judgement"):
        _button(
            "Accept",
            "check",
            "Keep it in training at every filter",
            "a",
            not stands.accepted,
            lambda: act(f"Accepted {name}", lambda: curating.accept(view, [name], based_on=now)),
        )
        _button(
            "Reject",
            "block",
            "It is in no cluster: background in scores; in training ignored beside masks that are kept",
            "x",
            stands.cluster >= 0,
            lambda: act(f"Rejected {name}", lambda: curating.move(view, [name], None, based_on=now)),
        )
        _button(
            "Erase",
            "ink_eraser",
            "There is no object: its pixels are background, in training too",
            "e",
            not stands.erased,
            lambda: act(f"Erased {name}", lambda: curating.erase(view, [name], based_on=now)),
        )
        way_back("Undo", "undo_judgement", "undo", found.undoable, lambda: curating.undo(view, based_on=now), "u", True)
        way_back(
            "Redo", "redo_judgement", "redo", found.redoable, lambda: curating.redo(view, based_on=now), "Shift+u", True
        )


def _button(label: str, icon: str, explained: str, key: str, enabled: bool, deed: Callable[[], Any]) -> None:
    st.button(
        label,
        key=f"{label.lower()}_mask",
        icon=f":material/{icon}:",
        help=explained,
        shortcut=key,
        disabled=not enabled,
        on_click=deed if enabled else None,
    )

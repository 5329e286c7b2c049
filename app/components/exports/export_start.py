"""The button that starts an export, and the command that does the same."""

from __future__ import annotations

import streamlit as st

from app.components.shared import notices
from app.forms import export_form
from app.forms.export_form import MOST_NAMED, SOME, ExportChoices
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView


def show(view: RunView, chosen: ExportChoices, ready: bool) -> None:
    """Draw the button, which is off where the preview shows an error, and the command."""
    st.button(
        "Export to the folder" if chosen.folder else "Make the zip",
        key="export_start",
        icon=":material/output:",
        type="primary",
        disabled=not ready,
        on_click=_start if ready else None,
        args=(view, chosen),
    )
    try:
        line = export_form.command_line(view.workspace, chosen)
    except ComusError:
        return  # the preview says what is wrong
    with st.expander("Equivalent command", key="export_command"):
        st.code(line, language=None, wrap_lines=True)
        if chosen.scope == "these" and len(chosen.proposals) > MOST_NAMED:
            st.caption(f"{SOME} stands for the ids of {len(chosen.proposals):,} objects, one `--proposals` each.")


def _start(view: RunView, chosen: ExportChoices) -> None:
    try:
        export_form.start(view.workspace, chosen)
    except ComusError as fault:
        notices.fault(fault)

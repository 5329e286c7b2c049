"""The file to import: an upload or a path on the server, its format, and how to read it."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.shared import choices, fields, states
from app.data.plain_text import code
from app.forms import import_form
from app.forms.import_form import ImportChoices
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView

COUNT = "import_uploads"  # a fresh field after each upload: the old one would hold the files in memory
MISSING = {"auto": "Remove what was exported", "remove": "Remove them", "keep": "Keep them"}
BOXES = {"name": "Give the object in it a name", "fill": "Make it a mask"}
LARGEST = 4_096  # MB of an upload


def show(view: RunView) -> ImportChoices | None:
    """Draw the fields; what is chosen, None as long as there is no file."""
    place = f"import-path-{view.run.id}"
    _upload(view, place)
    path = fields.text(
        *("Or a path on the server", "import_path", str(state.setting(place, ""))),
        lambda text: state.set_setting(place, text.strip()),
        about=view.run.id,
        placeholder="A file, a zip or a folder",
        autocomplete="off",
    ).strip()
    format = choices.selected("Format", import_form.formats(), key="import_format", hidden=False)
    with st.expander("Missing objects, boxes", key="import_more"):
        missing = choices.selected("Objects that the file lacks", MISSING, key="import_missing", hidden=False)
        st.caption(
            "Only of images that the file lists. Without the `comus.json` of an export, the file does not say what was "
            "exported: then nothing is removed unless you choose *Remove them*."
        )
        boxes = choices.selected("A box without a mask", BOXES, key="import_boxes", hidden=False)
    if not path:
        return None
    try:
        path = import_form.allowed_path(view.workspace, path)
    except ComusError as fault:
        states.error(fault)
        return None
    chosen = ImportChoices(path, format, missing, boxes)  # type: ignore[arg-type]
    with st.expander("Equivalent command", key="import_command"):
        st.code(import_form.command_line(view.workspace, view.run, chosen), language=None, wrap_lines=True)
    st.caption(f"Chosen: {code(path)}")
    return chosen


def _upload(view: RunView, place: str) -> None:
    files = st.file_uploader(
        "File or zip of a label tool",
        accept_multiple_files=True,
        key=f"import_files_{state.setting(COUNT, 0)}",
        max_upload_size=LARGEST,
    )
    if not files:
        return
    try:
        path = import_form.keep(view.workspace, view.run, [(file.name, file) for file in files])
    except ComusError as fault:
        states.error(fault)
        return
    state.set_setting(place, path)
    state.set_setting(COUNT, state.setting(COUNT, 0) + 1)
    st.rerun()

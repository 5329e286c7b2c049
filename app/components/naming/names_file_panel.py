"""Names as a file, out and in, and the list of names to choose from."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from app import state
from app.components.shared import deciding, fields, notices, states
from app.data.plain_text import plain, sentence
from app.forms import verb_form
from comus_core import curation
from comus_core.curation.name_import import NamesPlan, exported_names, plan_names
from comus_core.curation.names_csv import NameRows, read_names, text_of
from comus_core.curation.naming import names_of_text
from comus_core.errors import ComusError
from comus_core.pipelines.edit_settings import ExportNamesSettings, ImportNamesSettings
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

FILES, LISTS = "naming_files_count", "naming_lists_count"  # a fresh field after each upload
PREVIEW = 8  # changes shown before the import


def show(view: RunView, decided: Decisions) -> None:
    """Draw both, folded."""
    with st.expander("Names as a file", icon=":material/table:", key="naming_file_panel"):
        _file(view, decided)
    with st.expander("Suggested names", icon=":material/list:", key="naming_list_panel"):
        _list(view)


def content(view: RunView) -> bytes:
    """The names as CSV, as they are decided now."""
    return exported_names(view, curation.decided_in(view))


def _file(view: RunView, decided: Decisions) -> None:
    st.download_button(
        "Download names",
        partial(content, view),
        f"{view.run.id}-names.csv",
        "text/csv",
        key="naming_download",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption("A CSV file with id, name and size. Edit the names in a spreadsheet, then upload it here.")
    file = st.file_uploader(
        "Upload names",
        key=f"naming_upload_{state.setting(FILES, 0)}",
        max_upload_size=4,
        disabled=view.run.read_only,
    )
    if file is not None:
        try:
            read = read_names(file.getvalue())
            plan = plan_names(view, decided, read)
        except ComusError as fault:
            states.error(fault)
        else:
            _preview(view, decided, read, plan)
    st.caption("Equivalent commands:")
    for verb, settings in (
        ("export-names", ExportNamesSettings("names.csv")),
        ("import-names", ImportNamesSettings("names.csv")),
    ):
        st.code(verb_form.command(view.workspace, verb, view.run, settings), language="bash", wrap_lines=True)


def _preview(view: RunView, decided: Decisions, read: NameRows, plan: NamesPlan) -> None:
    for note in read.notes:
        st.warning(sentence(note), icon=":material/translate:")
    lines = [
        f"- {plain(decided.name_of(change['cluster']))} → {plain(_after(decided, change))}"
        for _, change in plan.changes
    ]
    more = [f"- and {len(lines) - PREVIEW:,} more"] if len(lines) > PREVIEW else []
    st.markdown("\n".join([f"This file: {plan.words}.", "", *lines[:PREVIEW], *more]))
    st.button(
        f"Import {counted(len(plan.changes), 'name')}",
        key="naming_import",
        type="primary",
        icon=":material/upload:",
        disabled=not plan.changes,
        on_click=_import,
        args=(view, decided.version, read, plan),
    )


def _after(decided: Decisions, change: dict[str, Any]) -> str:
    return str(change.get("name", decided.own_name_of(change["cluster"])))


def _import(view: RunView, version: int, read: NameRows, plan: NamesPlan) -> None:
    words = f"Imported {counted(len(plan.changes), 'name')}, each can be undone"
    deciding.act(view, words, version, partial(curation.import_names, view, read), partial(_another, FILES))


def _list(view: RunView) -> None:
    names = view.workspace.name_lists.read(view.run.id)
    fields.area(
        "Names to choose from, one on each line",
        "naming_list",
        "\n".join(names),
        partial(_keep, view),
        about=view.run.id,
        height=180,
        placeholder="dog\ncat\ncar",
    )
    st.caption(
        "Suggested first, before the names in use in the runs of this workspace. Kept with the run when you leave the "
        "field."
    )
    file = st.file_uploader(
        "Or a text file, one name on each line", key=f"naming_list_upload_{state.setting(LISTS, 0)}", max_upload_size=4
    )
    if file is not None:
        try:
            text = text_of(file.getvalue())
        except ComusError as fault:
            states.error(fault)
            return
        _another(LISTS)
        _keep(view, text)
        st.rerun()


def _keep(view: RunView, text: str) -> None:
    names = names_of_text(text)
    try:
        view.workspace.name_lists.keep(view.run.id, names)
    except ComusError as fault:
        notices.fault(fault)
    else:
        notices.say(f"Saved {counted(len(names), 'suggested name')}")


def _another(count: str) -> None:
    state.set_setting(count, state.setting(count, 0) + 1)

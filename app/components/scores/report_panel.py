"""A report on the run, alone or compared with others, to download from the Evaluate page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from app import state
from app.components.shared import fields, page_data
from app.forms import verb_form
from app.server.pictures import shown_path
from comus_core.export.report import content_of
from comus_core.pipelines.verb_settings import ReportSettings
from comus_core.runs.run_view import RunView
from comus_core.workspace import Run, Workspace


def show(view: RunView) -> None:
    """The section: which runs beside this one, the two files, the command that writes the same."""
    st.header("Report", anchor=False)
    st.caption(
        "One file with settings, seeds, hashes, supervision, tables, curves, clusters and failures. The HTML holds its "
        "images; the Markdown has the tables alone."
    )
    others = {run.id: run for run in page_data.runs() if run.id != view.run.id and "clustering" in run.artifacts}
    key = f"report_others_{view.run.id}"
    kept = [run_id for run_id in state.setting(key, []) if run_id in others]
    chosen = [view.run]
    if others:
        words = {run_id: f"{run.name} ({run_id})" for run_id, run in others.items()}
        keep = partial(state.set_setting, key)
        picked = fields.several("Compare with", key, kept, list(others), keep, format_func=words.__getitem__)
        chosen += [others[run_id] for run_id in picked]
    with st.container(horizontal=True, key="report_files"):
        for kind, mime in (("html", "text/html"), ("md", "text/markdown")):
            st.download_button(
                "HTML" if kind == "html" else "Markdown",
                partial(content, view.workspace, chosen, kind),
                f"report-{view.run.id}.{kind}",
                mime,
                key=f"report_{kind}",
                icon=":material/description:",
                on_click="ignore",
            )
    settings = ReportSettings(tuple(run.id for run in chosen), "report.html")
    st.code(verb_form.command(view.workspace, "report", None, settings), language=None, wrap_lines=True)


def content(workspace: Workspace, runs: Sequence[Run], kind: str) -> bytes:
    """The file, made when it is downloaded; images that links lead out of the allowed folders are left out."""
    own = {run.id: workspace.images_root(run) for run in runs}

    def readable(image_id: str, path: Path) -> Path:
        root = next((folder for folder in own.values() if path.is_relative_to(folder)), path.parent)
        return shown_path(image_id, path, root, workspace.root)

    return content_of(runs, workspace, as_markdown=kind == "md", readable=readable)

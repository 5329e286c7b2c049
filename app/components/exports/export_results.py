"""What became of exports: the last one with its download, and earlier ones."""

from __future__ import annotations

import html
from functools import partial

import streamlit as st

from app.components.shared import job_watch, notices
from app.data import job_outcomes
from app.data.plain_text import code, plain
from app.forms import export_form
from app.server import export_routes
from comus_core.errors import ComusError
from comus_core.jobs import Job
from comus_core.jobs.logs import read_result
from comus_core.pipelines.kept_files import KeptExport, delete_export, kept_exports
from comus_core.runs.run_view import RunView
from comus_core.text import size

MOST_LISTED = 5
CHANGED = "Decisions have changed since this export."


def show(view: RunView) -> None:
    """Draw the last export of the run, with its download, and the zips of earlier ones."""
    job = export_form.last_job(view.workspace, view.run)
    last = None
    exported = export_form.decisions_in(view.workspace)
    now = view.workspace.decisions_of(view.run).version
    if job is not None and job.state == "done":
        last = export_form.download_of(view.workspace, view.run, job)
        _done(view, job, last)
        if exported.get(str(job.settings["out"]), now) != now:
            st.caption(f":material/info: {CHANGED}")
    elif job is not None:
        job_watch.show(job, key="export_progress", on_end=_notice)
    earlier = [kept for kept in kept_exports(view.workspace, view.run.id) if kept != last]
    if earlier:
        _earlier(view, earlier, {path for path, version in exported.items() if version != now})


def _done(view: RunView, job: Job, kept: KeptExport | None) -> None:
    """The outcome, what was skipped, and the link."""
    out = str(job.settings["out"])
    with st.container(border=True, gap="small", key="export_done"):
        st.markdown(f":material/check_circle: **{plain(job_outcomes.outcome(job) or 'Exported')}**")
        if kept is not None:
            st.html(_link(view.run.id, kept))
        elif export_form.is_kept(out):
            st.caption("The zip was deleted: export again.")
        else:
            st.caption(f"Folder on the server: {code(out)}")
        try:
            result = read_result(job)
        except ComusError:  # its file is gone, the export is not
            return
        for note in result["notes"]:
            st.caption(plain(f"{note[0].upper()}{note[1:]}."))
        for entry in result["skipped_files"][:MOST_LISTED]:
            st.caption(f":material/block: {code(entry['path'])}: {plain(entry['reason'])}")


def _link(run_id: str, kept: KeptExport) -> str:
    name = html.escape(kept.path.name)
    address = html.escape(export_routes.address(run_id, kept.key))
    return f'<a class="comus-download" href="{address}" download="{name}">Download {name} ({size(kept.size)})</a>'


def _earlier(view: RunView, earlier: list[KeptExport], outdated: set[str]) -> None:
    with st.expander(f"Earlier zips of this run ({len(earlier)})", key="export_earlier"):
        for kept in earlier:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"kept_{kept.key}"):
                address = html.escape(export_routes.address(view.run.id, kept.key))
                name = html.escape(kept.path.name)
                st.html(f'<a href="{address}" download="{name}">{name}</a>', width="content")
                st.caption(f"{kept.when:%Y-%m-%d %H:%M} · {size(kept.size)}", width="content")
                if str(kept.path) in outdated:
                    st.caption(CHANGED, width="content")
                st.button(
                    "Delete",
                    key=f"delete_{kept.key}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=partial(_delete, view, kept.key),
                )


def _delete(view: RunView, key: str) -> None:
    try:
        delete_export(view.workspace, view.run.id, key)
    except ComusError as fault:
        notices.fault(fault)


def _notice(job: Job) -> None:
    if job.state == "done":
        st.toast("The export is ready", icon=":material/check_circle:")

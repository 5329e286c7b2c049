"""A run in the list of runs: its settings, its results, its buttons."""

from __future__ import annotations

import time

import streamlit as st

from app.components.datasets import add_images
from app.components.jobs import bundles, run_dialogs
from app.components.jobs.run_header import facts, lost_images
from app.components.jobs.run_settings import MATCHINGS
from app.components.shared import badge, export_links, navigation, page_data
from app.components.shared.job_card import attempt, resume
from app.data import job_words
from app.data.plain_text import code, plain
from app.forms import run_form
from comus_core import jobs
from comus_core.jobs import Job
from comus_core.maintenance.disk_use import RunUse
from comus_core.workspace import Run


def show(run: Run, job: Job | None, use: RunUse) -> None:
    """Draw a run; `job` is the newest that worked on it, `use` its disk use."""
    with st.container(border=True, gap="small", key=f"run_{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run_head_{run.id}"):
            badge.state(run)
            badge.of_run(run)
            if run.provenance.get("synthetic"):
                badge.synthetic()
            badge.read_only(run)
            if run.archived:
                st.badge("archived", color="gray", icon=":material/archive:")
        st.markdown(facts(run))
        lost_images(run)
        if "added_to" in run.provenance:
            st.caption(f":material/add_photo_alternate: Images added to {code(run.provenance['added_to'])}")
        if run.note:
            st.markdown(f":material/sticky_note_2: {plain(run.note)}")
        st.caption(" · ".join(_figures(run, use)))
        _buttons(run, job)


def _figures(run: Run, use: RunUse) -> list[str]:
    score, scores = run.result.get("evaluation"), []
    if score:
        matching = MATCHINGS.get(score["matching"], score["matching"])
        scores = [f"mIoU **{score['miou']:.1f}** before the filter ({matching} matching)"]
    disk = f"{job_words.bytes_words(use.own)} own, {job_words.bytes_words(use.shared)} shared"
    return [*scores, disk, f"changed {job_words.stored_time(run.updated_at, time.time())}", code(run.id)]


def _buttons(run: Run, job: Job | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"run_buttons_{run.id}"):
        if "clustering" in run.artifacts:
            icon = navigation.PAGES["explore"].icon
            st.page_link(navigation.page("explore"), label="Explore", icon=icon, query_params={"run": run.id})
            export_links.of_run(run.id)
        if (
            not run.from_bundle
            and run.state not in ("done", "running")
            and (job is None or job.state not in jobs.ACTIVE)
        ):
            help_text = "Continues from the finished work."
            st.button(
                "Resume",
                key=f"run_resume_{run.id}",
                icon=":material/replay:",
                help=help_text,
                on_click=attempt,
                args=(_resume, run, job),
            )
        if st.button("Name and note", key=f"run_name_{run.id}", icon=":material/edit:"):
            run_dialogs.name_and_note(run)
        if "clustering" in run.artifacts and st.button(
            "Bundle", key=f"run_bundle_{run.id}", icon=":material/folder_zip:", help="Share the run as one zip."
        ):
            bundles.give(run)
        can_grow = "clustering" in run.artifacts and "added_to" not in run.provenance
        if can_grow and st.button(
            "Add images",
            key=f"run_add_{run.id}",
            icon=":material/add_photo_alternate:",
            help="Assign new images to its clusters.",
        ):
            add_images.show(run)
        if st.button("Settings", key=f"run_settings_{run.id}", icon=":material/settings:"):
            run_dialogs.settings(run)
        st.button(
            "Unarchive" if run.archived else "Archive",
            key=f"run_archive_{run.id}",
            icon=":material/unarchive:" if run.archived else ":material/archive:",
            help="Archived runs are hidden from the lists; nothing is deleted.",
            on_click=attempt,
            args=(_archive, run),
        )
        if st.button("Delete", key=f"run_delete_{run.id}", icon=":material/delete:"):
            run_dialogs.delete(run)


def _resume(run: Run, job: Job | None) -> None:
    """Go on with the run's own job; one that was started from a terminal gets its first."""
    if job is not None and job.state in jobs.RESUMABLE:
        resume(job.id)
    else:
        run_form.start(page_data.workspace(), run.config, "auto")


def _archive(run: Run) -> None:
    page_data.workspace().runs.describe(run.id, archived=not run.archived)

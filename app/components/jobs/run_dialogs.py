"""The dialogs about a run: its name and note, its settings, where its images are, and whether it may be deleted."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.datasets import dataset_picker
from app.components.jobs import run_settings
from app.components.shared import navigation, page_data, states
from app.data import job_words, stage_use
from app.data.plain_text import code, plain
from app.forms import run_form, verb_form
from comus_core.datasets.allowed_folders import allowed, image_roots
from comus_core.errors import ComusError
from comus_core.maintenance.delete import delete as delete_now
from comus_core.maintenance.delete import plan_deletion
from comus_core.pipelines.relink import relink as relink_now
from comus_core.pipelines.verb_settings import RelinkSettings
from comus_core.runs.artifact_readers import usable_ids
from comus_core.settings import require
from comus_core.text import counted
from comus_core.workspace import Run, Workspace


@st.dialog("Name and note")
def name_and_note(run: Run) -> None:
    """Rename a run and write a note to it."""
    with st.form(f"describe_{run.id}", border=False):
        name = st.text_input("Name", run.name, key=f"name_of_{run.id}", max_chars=120)
        note = st.text_area(
            "Note", run.note, key=f"note_of_{run.id}", height=120, placeholder="What you tried, and why"
        )
        if st.form_submit_button("Save", type="primary", key=f"save_{run.id}"):
            try:
                describe(page_data.workspace(), run, name, note)
            except ComusError as fault:
                states.error(fault)
            else:
                st.rerun()


def describe(workspace: Workspace, run: Run, name: str, note: str) -> None:
    """Write what differs from the run as it was shown: what someone else wrote meanwhile stays.

    Raises:
        ComusError: an empty name, or the run is gone.
    """
    new_name, new_note = (name if name != run.name else None), (note.strip() if note != run.note else None)
    workspace.runs.describe(run.id, name=new_name, note=new_note)


@st.dialog("Run settings", width="large")
def settings(run: Run) -> None:
    """Show all settings, what they were made with, and how to start the same again."""
    st.markdown(f"**{plain(run.name)}** {code(run.id)}")
    if words := run_form.images_words(run.config):
        st.markdown(words)
    st.caption("Equivalent command:")
    st.code(run_form.command(run.config, "auto", page_data.workspace()), language=None, wrap_lines=True)
    text = run_form.settings_file(run.config)
    st.caption("All settings, for `comus run --config FILE`:")
    st.code(text, language="json", height=260)
    if rows := stage_use.stage_rows(run.result):
        with st.expander("Time and memory", key=f"stage_use_{run.id}"):
            st.dataframe(rows, hide_index=True, key=f"stage_use_table_{run.id}")
            st.caption(stage_use.estimate_words(run.result))
    with st.expander("Provenance", key=f"made_with_{run.id}"):
        st.json(run.provenance, expanded=1)
    with st.container(horizontal=True, gap="small", key=f"settings_buttons_{run.id}"):
        st.download_button(
            "Download", text, f"{run.id}.json", "application/json", key=f"download_{run.id}", on_click="ignore"
        )
        if st.button("New run with these settings", key=f"again_{run.id}", icon=":material/add_circle:"):
            dataset_picker.choose(run.config.dataset, _images_of(run))
            run_settings.fill(run_form.values_of(run.config))
            navigation.go("new")


def _images_of(run: Run) -> tuple[str, ...]:
    """The images that a further run is to use; none are all, without those that are excluded by now."""
    config, workspace = run.config, page_data.workspace()
    excluded = workspace.decisions_of(run).layout.excluded
    if excluded and "images" in run.artifacts:
        return tuple(i for i in usable_ids(workspace.artifact(run, "images")) if i not in excluded)
    if not config.exclude or set(config.exclude) == set(workspace.exclusions.read(config.dataset).images):
        return config.only
    return tuple(usable_ids(workspace.artifact(run, "images"))) if "images" in run.artifacts else config.only


@st.dialog("Locate the images of the run")
def relink(run: Run) -> None:
    """Enter where a run's images are now."""
    relink_form(run)


def relink_form(run: Run) -> None:
    """Draw the field for the folder; look for the images there by their content."""
    workspace = page_data.workspace()
    st.markdown(f"**{plain(run.name)}** {code(run.id)}")
    st.markdown(
        f"The images are no longer in {code(str(workspace.images_root(run)))}. Enter the folder that holds them now: "
        "they are recognised by their content. Scores, names and decisions are kept."
    )
    with st.form(f"relink_form_{run.id}", border=False):
        folder = st.text_input("Current folder of the images on the server", key=f"relink_folder_{run.id}")
        if st.form_submit_button("Locate", type="primary", key=f"relink_start_{run.id}", icon=":material/search:"):
            try:
                with st.spinner("Reading the images"):
                    require(folder.strip() != "", "no folder: enter the folder that holds the images now")
                    home = allowed(folder.strip(), image_roots(workspace.root))
                    relinked = relink_now(run, workspace, RelinkSettings(str(home)))
            except ComusError as fault:
                states.error(fault)
            else:
                st.toast("  \n".join(plain(line) for line in relinked.lines()), icon=":material/check_circle:")
                st.rerun()
    st.caption("Equivalent command:")
    st.code(verb_form.command(workspace, "relink", run, RelinkSettings("FOLDER")), language=None, wrap_lines=True)


@st.dialog("Delete the run?")
def delete(run: Run) -> None:
    """Show what is deleted and what is kept, then delete."""
    workspace = page_data.workspace()
    try:
        plan = plan_deletion(workspace, run.id)
        st.markdown(f"**{plain(run.name)}** {code(run.id)}")
        deleted = (
            f"{counted(len(plan.folders), 'artifact')}, {job_words.bytes_words(plan.size)}"
            if plan.folders
            else "no artifact"
        )
        kept = f" {counted(plan.kept, 'artifact')} used by other runs will be kept." if plan.kept else ""
        st.markdown(f"This deletes {deleted}.{kept} The images are not touched.")
        if plan.decisions:
            st.warning(
                f"{counted(plan.decisions, 'decision')} (names, merges, filters) will be lost.",
                icon=":material/warning:",
            )
        if st.button("Delete", type="primary", key=f"delete_{run.id}", icon=":material/delete:"):
            delete_now(run, workspace)
            state.leave_run(run.id)
            st.rerun()
    except ComusError as fault:
        states.error(fault)

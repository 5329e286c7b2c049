"""Packaging a finished round for other programs: the button, its job, and the packages that there are."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import streamlit as st

from app.components.shared import choices, job_watch, page_data, states
from app.data.plain_text import code
from app.forms import package_form
from comus_core.errors import ComusError
from comus_core.pipelines.package_folder import packages_of
from comus_core.pipelines.verb_settings import PackageSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.text import size
from comus_core.workspace.trainings import Training

MOST = 5  # packages listed


def show(view: RunView, training: Training) -> None:
    """Draw the form; nothing before the first round is finished."""
    training = page_data.workspace().trainings.get(training.id)
    rounds = package_form.rounds(training)
    if not rounds:
        return
    st.header("Package for other programs", anchor=False)
    st.caption(
        "ONNX, torch.export and safetensors files of the network, with labels, preprocessing, an example and a model "
        "card. ONNX Runtime and NumPy predict with it; COMUS is not needed."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="package_form"):
        number = choices.selected("Round", rounds, key="package_round", width=240, hidden=False)
        int8 = st.toggle("8-bit model too", key="package_int8", help="Smaller; the card says its loss.")
        pressed = st.button("Package this round", key="package_start", icon=":material/package_2:")
    subject = RunRound(view.run, number, training)
    settings = PackageSettings("package", int8=int8)
    if pressed:
        try:
            package_form.start(view.workspace, subject, settings)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    job = package_form.last_job(view.workspace, view.run, training)
    if job is not None:
        job_watch.show(job, key="package_progress")
    _packages(view)
    with st.expander("Equivalent command"):
        st.code(package_form.command_line(view.workspace, subject, settings), language=None, wrap_lines=True)


def _packages(view: RunView) -> None:
    folders = packages_of(view.workspace, view.run.id)
    if not folders:
        return
    st.markdown("**Packages of this run**")
    for folder in folders[:MOST]:
        _package(view, folder)
    if len(folders) > MOST:
        st.caption(f"The {MOST} newest of {len(folders)}; all are in {code(str(folders[0].parent))}.")


def _package(view: RunView, folder: Path) -> None:
    run, name = quote(view.run.id, safe=""), quote(folder.name, safe="")
    bytes_ = sum(path.stat().st_size for path in folder.iterdir())
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"package_{folder.name}"):
        st.html(
            f'<a class="comus-download" href="api/runs/{run}/packages/{name}" download="{name}.zip">'
            f"Download {name}.zip</a>",
            width="content",
        )
        st.caption(f"{size(bytes_)} · folder {code(str(folder))}", width="content")

"""The soft maps of a data set as files: a detector, the job that writes them, and the zips to download."""

from __future__ import annotations

import html
import json
from pathlib import Path

import streamlit as st

from app.components.shared import choices, job_watch, page_data, states
from app.data.plain_text import code, plain
from app.forms import saliency_form
from app.server.saliency_routes import maps_url
from comus_core import jobs
from comus_core.config import SaliencySettings
from comus_core.errors import ComusError
from comus_core.pipelines.image_index import index_key
from comus_core.pipelines.saliency_folders import kept_maps
from comus_core.text import counted

MOST = 5  # zips listed


def show(spec: str) -> None:
    """Draw it for the data set of that string, which the server may read."""
    workspace = page_data.workspace()
    st.caption("Writes the soft map of every image as a grey 8-bit PNG of its size: 255 where it is salient.")
    words = {"auto": "best on this machine"} | saliency_form.labelled_words(workspace)
    detector = choices.selected("Detector", words, key="maps_detector", hidden=False)
    saliency = SaliencySettings(detector=detector)
    job = saliency_form.last_job(workspace, "saliency-predict", spec)
    busy = job is not None and job.state in jobs.ACTIVE
    if st.button("Write the soft maps", key="maps_start", icon=":material/gradient:", type="primary", disabled=busy):
        try:
            saliency_form.start_maps(workspace, spec, saliency)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    if job is not None and job.state != "done":
        job_watch.show(job, key="maps_progress")
    _zips(spec)
    with st.expander("Equivalent command"):
        st.code(saliency_form.maps_command(workspace, spec, saliency), language=None, wrap_lines=True)


def _zips(spec: str) -> None:
    folders = kept_maps(page_data.workspace(), spec)
    if not folders:
        states.empty("No soft maps written yet", "They can be downloaded here as a zip.", "gradient")
        return
    for folder in folders[:MOST]:
        _zip(spec, folder)
    if len(folders) > MOST:
        st.caption(f"The {MOST} newest of {len(folders):,}; all are in {code(str(folders[0].parent))}.")


def _zip(spec: str, folder: Path) -> None:
    try:
        told = json.loads((folder / "saliency.json").read_text())
        words = f"{counted(len(told['maps']), 'map')} of {saliency_form.short_name(told['detector'])}"
    except (OSError, ValueError, KeyError):
        words = "its list cannot be read"
    address, name = html.escape(maps_url(index_key(spec), folder.name)), f"maps-{folder.name}.zip"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"maps_{folder.name}"):
        st.html(f'<a class="comus-download" href="{address}" download="{name}">Download {name}</a>', width="content")
        st.caption(f"{plain(words)} · folder {code(str(folder))}", width="content")

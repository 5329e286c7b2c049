"""Sharing a run as a bundle, and opening a bundle."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from app import state
from app.components.shared import navigation, page_data, states
from app.data.plain_text import code, plain
from comus_core.errors import ComusError
from comus_core.export.bundle_opening import open_bundle
from comus_core.files.atomic import disk_error
from comus_core.workspace import Run
from comus_core.workspace.claims import claimed

OPENED = "bundles-opened"  # how many a session opened: each gets a fresh uploader


@st.dialog("Bundle the run")
def give(run: Run) -> None:
    """Describe a bundle, and offer it for download with or without the images."""
    st.markdown(f"**{plain(run.name)}** {code(run.id)}")
    st.markdown(
        "A zip of everything that the pages show: proposals, clusters, map, decisions, scores and ground truth. "
        "It opens as a read-only run. Trained rounds are not included."
    )
    with_images = st.toggle(
        "Include the images",
        value=True,
        key=f"bundle_images_{run.id}",
        help="The original image files. Without them, masks are shown on grey.",
    )
    address = f"api/runs/{quote(run.id, safe='')}/bundle?images={int(with_images)}"
    name = f"{run.id}.zip"
    st.html(f'<a class="comus-download" href="{address}" download="{name}">Download {name}</a>')
    st.caption("Equivalent command:")
    option = "" if with_images else " --no-images"
    root = page_data.workspace().root
    st.code(f"comus bundle {run.id} --out {name}{option} --workspace {root}", language=None, wrap_lines=True)


@st.dialog("Open a bundle")
def take() -> None:
    """Upload a bundle."""
    st.markdown("A zip from `comus bundle` or from the *Bundle* button. It opens as a read-only run in this workspace.")
    number = int(state.setting(OPENED, 0))
    upload = st.file_uploader("Bundle", type="zip", key=f"bundle_file_{number}", label_visibility="collapsed")
    if upload is None:
        st.caption("For a large bundle, use a terminal: `comus open-bundle FILE.zip`")
        return
    workspace = page_data.workspace()
    try:
        with (
            claimed(workspace.root) as claim,
            tempfile.NamedTemporaryFile(dir=workspace.root, prefix=".sent-", suffix=".zip") as file,
        ):
            claim(Path(file.name))
            while block := upload.read(1 << 20):
                file.write(block)
            file.flush()
            run = open_bundle(Path(file.name), workspace)
    except ComusError as fault:
        states.error(fault)
        return
    except OSError as error:  # nothing can be kept in the workspace
        states.error(disk_error(error, workspace.root))
        return
    state.set_setting(OPENED, number + 1)
    navigation.go("explore", run=run.id)

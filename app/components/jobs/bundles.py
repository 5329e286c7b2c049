"""Handing a run to a colleague, and opening what a colleague handed over."""

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

OPENED = "bundles-opened"  # how many a session opened: the uploader starts afresh after each


@st.dialog("Bundle the run")
def give(run: Run) -> None:
    """Say what is in a bundle, and let it be downloaded with or without the photographs."""
    st.markdown(f"**{plain(run.name)}** {code(run.id)}")
    st.markdown(
        "One zip with everything that the pages show: proposals, clusters, map, decisions, scores and ground truth. "
        "Opened elsewhere, the run is read-only. Rounds of training stay here."
    )
    photographs = st.toggle(
        "With the photographs",
        value=True,
        key=f"bundle_photographs_{run.id}",
        help="The image files as they are. Without them the colleague sees masks on grey.",
    )
    address = f"api/runs/{quote(run.id, safe='')}/bundle?photographs={int(photographs)}"
    name = f"{run.id}.zip"
    st.html(f'<a class="comus-download" href="{address}" download="{name}">Download {name}</a>')
    st.caption("The same from a terminal:")
    option = "" if photographs else " --no-images"
    root = page_data.workspace().root
    st.code(f"comus bundle {run.id} --out {name}{option} --workspace {root}", language="bash", wrap_lines=True)


@st.dialog("Open a bundle")
def take() -> None:
    """Take a bundle from the browser."""
    st.markdown("A zip that `comus bundle` or the button *Bundle* wrote. It becomes a read-only run of this workspace.")
    number = int(state.setting(OPENED, 0))
    sent = st.file_uploader("Bundle", type="zip", key=f"bundle_file_{number}", label_visibility="collapsed")
    if sent is None:
        st.caption("A large one from a terminal: `comus open-bundle FILE.zip`")
        return
    place = page_data.workspace()
    try:
        with (
            claimed(place.root) as claim,
            tempfile.NamedTemporaryFile(dir=place.root, prefix=".sent-", suffix=".zip") as file,
        ):
            claim(Path(file.name))
            while block := sent.read(1 << 20):
                file.write(block)
            file.flush()
            run = open_bundle(Path(file.name), place)
    except ComusError as fault:
        states.error(fault)
        return
    except OSError as error:  # nothing can be kept in the workspace
        states.error(disk_error(error, place.root))
        return
    state.set_setting(OPENED, number + 1)
    navigation.go("explore", run=run.id)

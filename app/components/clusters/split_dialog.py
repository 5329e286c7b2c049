"""The dialog that splits a cluster: the number of parts, and a preview of each, before anything is decided."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app import state
from app.components.shared import deciding, states
from app.components.shared.gallery import grid
from app.data import score_data
from app.data.plain_text import plain
from comus_core import curation
from comus_core.errors import ComusError
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

PARTS = (2, 3, 4, 5, 6, 8)
SHOWN = 10  # crops a part
DIRECT = 10_000  # proposals that are clustered while a person waits


@st.dialog("Split a cluster", width="large", icon=":material/call_split:")
def show(view: RunView, decided: Decisions, category: int) -> None:
    """Preview a split; the button decides."""
    size = int((view.categories(decided).id_of == category).sum())
    st.markdown(f"**{plain(decided.name_of(category))}**, {counted(size, 'proposal')}")
    if size > DIRECT:
        st.info("This cluster is large. Split it in a terminal:", icon=":material/terminal:")
        st.code(f"comus clusters split {view.run.id} {category} --parts 2", language=None)
        return
    parts = st.segmented_control("Parts", PARTS, default=2, key="split_parts", required=True)
    tries = int(state.setting("split-tries", 0))
    try:
        with st.spinner("Clustering the proposals of this cluster"):
            proposed = score_data.proposed_split(view, decided, category, int(parts or 2), tries)
    except ComusError as fault:
        states.error(fault)
        return
    sections = []
    for part in range(proposed.parts):
        rows = proposed.rows_of(part)
        keeps = "keeps id and name" if part == 0 else "new"
        head = f"<h3>Part {part + 1} <span>{counted(len(rows), 'proposal')}, {keeps}</span></h3>"
        sections.append(
            f'<section class="comus-part" data-part="{part}">{head}{grid(view, rows[:SHOWN], size=96)}</section>'
        )
    st.html(f'<div class="comus-parts">{"".join(sections)}</div>')
    with st.container(horizontal=True, gap="small", key="split_buttons"):
        if st.button(
            "Split",
            key="confirm_split",
            type="primary",
            shortcut="Enter",
            icon=":material/check:",
            on_click=deciding.act,
            args=(view, f"Split into {proposed.parts}", decided.version, partial(curation.split, view, proposed)),
        ):
            st.rerun()
        if st.button(
            "Try another seed",
            key="another_split",
            icon=":material/casino:",
            help="Cluster again",
        ):
            state.set_setting("split-tries", tries + 1)
            st.rerun(scope="fragment")

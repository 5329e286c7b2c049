"""The line above every page about a run: its name, what it is made of, and what it owes to supervision."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.components import badge
from app.plain_text import plain
from comus_core.workspace import Run


def show(run: Run, title: str) -> None:
    """Draw the page's title and the run's line."""
    with st.container(key="run_header", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if run.state != "done":
                st.badge(**badge.state_words(run))
            badge.of_run(run)
            if run.provenance.get("synthetic"):
                badge.synthetic()
            badge.read_only(run)
    st.caption(facts(run))


def facts(run: Run) -> str:
    """Name, numbers and networks of a run in one line."""
    result = run.result
    numbers = [f"{result[name]:,} {name}" for name in ("images", "proposals", "clusters") if result.get(name)]
    networks = f"{short(run.config.saliency.detector)} + {short(run.config.features.encoder)}"
    skipped = [f"{result['skipped']} files set aside"] if result.get("skipped") else []
    unmasked = [f"{len(result['without_mask'])} images without a mask"] if result.get("without_mask") else []
    return " · ".join([f"**{plain(run.name)}**", *numbers, *skipped, *unmasked, plain(networks)])


def short(name: str) -> str:
    """A detector's or encoder's name; of the user's own files only the last part of the path."""
    kind, _, path = name.partition(":")
    return f"{kind}:{Path(path).name}" if path else name

"""What a page shows when it has nothing to show: what is wrong, and what to do next."""

from __future__ import annotations

import html

import streamlit as st

from app import navigation
from app.plain_text import sentence
from comus_core.errors import ComusError
from comus_core.workspace import Run

# A run without clusters: title, sentence, icon, and what the link to its job says.
STOPPED = (
    "This run stopped before it had clusters",
    "Resumed, it goes on where it stopped.",
    "do_not_disturb_on",
    "Resume it",
)
NOT_READY = {
    "running": (
        "This run is still at work",
        "The page fills when its clusters are there.",
        "hourglass_top",
        "Watch its progress",
    ),
    "failed": (
        "This run failed before it had clusters",
        "Its log says why; resumed, it goes on where it stopped.",
        "error",
        "Read the log, resume it",
    ),
}


def no_runs() -> None:
    """No run in the workspace."""
    empty(
        "No runs yet", "Start one on a folder of photographs, or try the demo: it draws its own scenes.", "bubble_chart"
    )
    with st.container(horizontal_alignment="center"):
        st.page_link(navigation.page("new"), label="Start a run", icon=":material/add_circle:", width="content")
        st.caption("From a terminal: `comus run demo`", width="content")


def not_ready(run: Run) -> None:
    """A run without clusters: still at work, stopped or failed."""
    title, sentence, icon, label = NOT_READY.get(run.state, STOPPED)
    empty(title, sentence, icon)
    with st.container(horizontal_alignment="center"):
        st.page_link(navigation.page("jobs"), label=label, icon=":material/checklist:", width="content")


def no_ground_truth(what: str = "scores") -> None:
    """A data set without labels: `what` cannot be shown, and how it could."""
    empty(
        f"No ground truth, so no {what}",
        "Everything else works without it. To add some, lay the folder out so:",
        "rule",
    )
    st.code(
        "photos/\n  images/       beach.jpg …\n  masks/        beach.png …   0 background, 1… classes, 255 ignored\n"
        "  classes.txt   one name a line, background first",
        language=None,
    )
    st.caption("Then start a run on `photos`. What was computed is used again if the images lay in `images` already.")
    st.page_link(navigation.page("new"), label="Start a run", icon=":material/add_circle:")


def error(fault: ComusError) -> None:
    """An expected fault: its one sentence, which says what to do."""
    st.error(sentence(fault), icon=":material/error:")


def empty(title: str, sentence: str, icon: str = "info") -> None:
    """A quiet card in the middle of an empty page; `icon` is a Material symbol."""
    st.html(
        f'<div class="comus-empty"><span class="comus-icon" aria-hidden="true">{html.escape(icon)}</span>'
        f"<h3>{html.escape(title)}</h3><p>{html.escape(sentence)}</p></div>"
    )

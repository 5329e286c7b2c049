"""What a page shows when it has nothing to show: what is wrong, and what to do next."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.components.shared import navigation
from app.data.plain_text import plain, sentence
from app.data.run_cache import workspace
from comus_core.errors import ComusError, DiskFullError
from comus_core.maintenance.clean import plan_cleaning, room_words
from comus_core.workspace import Run
from comus_core.workspace.attempts import INTERRUPTED

# A run without clusters: title, sentence, icon, and what the link to its job says.
STOPPED = (
    "This run stopped before clustering",
    "Resume it to continue where it stopped.",
    "do_not_disturb_on",
    "Resume the run",
)
NOT_READY = {
    "running": (
        "This run is still running",
        "This page appears when its clusters are ready.",
        "hourglass_top",
        "Show its progress",
    ),
    INTERRUPTED: (
        "This run stopped unexpectedly before clustering",
        "Its process was killed, or the machine was switched off. Resume it to continue where it stopped.",
        "power_off",
        "Resume the run",
    ),
    "failed": (
        "This run failed before clustering",
        "Its log shows the reason. Resume it to continue where it stopped.",
        "error",
        "Open its log",
    ),
}


def no_runs() -> None:
    """No run in the workspace."""
    empty("No runs yet", "Start a run on a folder of images, or try the demo with generated images.", "bubble_chart")
    with st.container(horizontal_alignment="center"):
        st.page_link(navigation.page("home"), label="Try the demo", icon=":material/play_arrow:", width="content")
        st.page_link(navigation.page("new"), label="Start a run", icon=":material/add_circle:", width="content")
        st.caption("In a terminal: `comus run demo`", width="content")


def no_such_run(run_id: str, newest: Run | None, page: Any) -> None:
    """A run that this workspace does not have; `page` can show the newest instead."""
    empty(f"Run {run_id[:60]} not found", "It was deleted, or the link comes from another workspace.", "link_off")
    with st.container(horizontal_alignment="center"):
        if newest is not None:
            words = f"Open the newest run: {plain(newest.name)}"
            st.page_link(page, label=words, icon=":material/history:", width="content", query_params={"run": newest.id})
        st.page_link(navigation.page("jobs"), label="All runs", icon=":material/checklist:", width="content")


def not_ready(run: Run) -> None:
    """A run without clusters: running, stopped or failed."""
    title, sentence, icon, label = NOT_READY.get(run.state, STOPPED)
    empty(title, sentence, icon)
    with st.container(horizontal_alignment="center"):
        st.page_link(navigation.page("jobs"), label=label, icon=":material/checklist:", width="content")


def not_trainable() -> None:
    """A run that came in a bundle: its data set is elsewhere."""
    empty(
        "This run cannot be trained here",
        "It came in a bundle, without its data set. Discover the categories of your own images, or of the demo's data "
        "set, and train that run.",
        "school",
    )
    with st.container(horizontal_alignment="center"):
        st.page_link(navigation.page("new"), label="Start a run", icon=":material/add_circle:", width="content")


def no_ground_truth(what: str = "scores", truth: Mapping[str, Any] | None = None) -> None:
    """A data set without ground truth: `what` needs it, and how to add it; `truth` is the run's, see `truth_line`."""
    empty(
        f"No {what} without ground truth",
        "Everything else works without it. To add ground truth, arrange the folder like this:",
        "rule",
    )
    truth_line(truth)
    st.code(
        "photos/\n  images/       beach.jpg …\n  masks/        beach.png …   0 background, 1… classes, 255 ignored\n"
        "  classes.txt   one name per line, background first",
        language=None,
    )
    st.caption("Then start a run on `photos`. Finished stages are reused if the images were in `images` already.")
    st.page_link(navigation.page("new"), label="Start a run", icon=":material/add_circle:")


def truth_line(truth: Mapping[str, Any] | None) -> None:
    """The ground truth that was read, in one line; nothing where none was looked for."""
    if truth:
        line = plain(str(truth["line"]))
        st.caption(line[:1].upper() + line[1:])


def error(fault: ComusError) -> None:
    """An expected fault: its one sentence, which says what to do; on a full disk also what a clean-up would free."""
    st.error(sentence(fault), icon=":material/error:")
    if isinstance(fault, DiskFullError) and (words := room_words(plan_cleaning(workspace()))):
        st.info(sentence(words), icon=":material/mop:")


def empty(title: str, sentence: str, icon: str = "info") -> None:
    """A quiet card in the middle of an empty page; `icon` is a Material symbol."""
    st.html(
        f'<div class="comus-empty"><span class="comus-icon" aria-hidden="true">{html.escape(icon)}</span>'
        f"<h2>{html.escape(title)}</h2><p>{html.escape(sentence)}</p></div>"
    )

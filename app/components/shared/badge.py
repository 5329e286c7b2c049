"""The supervision badge: what a run owes to labels, said wherever its numbers are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st

from comus_core.pipelines.model_selection import badge as words
from comus_core.workspace import Run

BadgeColour = Literal["green", "orange", "red"]

_COLOUR_OF: dict[str, BadgeColour] = {"none": "green", "image labels": "orange", "text": "orange", "masks": "red"}


def show(supervision: Mapping[str, str], non_commercial: Sequence[str] = ()) -> None:
    """Draw the badge of `supervision_of`'s answer: green without supervision, red with masks."""
    direct, inherited = supervision["direct"], supervision["inherited"]
    colour = _COLOUR_OF.get(direct, "red")
    if colour == "green" and inherited != "none":
        colour = "orange"
    icon = ":material/verified:" if colour == "green" else ":material/school:"
    st.badge(
        words(dict(supervision), tuple(non_commercial)), icon=icon, color=colour, help=_explained(direct, inherited)
    )


def of_run(run: Run) -> None:
    """Draw the badge of a stored run."""
    show(run.provenance["supervision"], tuple(run.provenance.get("non_commercial", ())))


def read_only(run: Run) -> None:
    """Mark a run that came in a bundle."""
    if run.read_only:
        words = "It came in a bundle: to be looked at. Names, filter and clusters are its maker's."
        st.badge("read-only", icon=":material/lock:", color="gray", help=words)


def synthetic() -> None:
    """Mark drawn images, which say nothing about photographs."""
    st.badge(
        "synthetic scenes", icon=":material/brush:", color="violet", help="Drawn by this program, not photographed."
    )


def _explained(direct: str, inherited: str) -> str:
    own = "No label was used to train the networks of this run." if direct == "none" else ""
    own = own or f"A network of this run was trained with {direct}: its scores are not unsupervised ones."
    return own if inherited == "none" else f"{own} Their teachers, or where they started from, had seen {inherited}."


def state_words(run: Run) -> dict[str, Any]:
    """Label, colour and icon of a run's state, as `st.badge` takes them."""
    colour = {"done": "green", "running": "blue", "failed": "red"}.get(run.state, "gray")
    icon = {"done": "check_circle", "running": "progress_activity", "failed": "error"}.get(
        run.state, "do_not_disturb_on"
    )
    return {"label": run.state, "color": colour, "icon": f":material/{icon}:"}

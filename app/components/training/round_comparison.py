"""Teacher and student of a training side by side: image, ground truth, every mask and its errors."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from app import state
from app.components.shared import choices, page_data, states
from app.data import run_cache, urls
from app.data.palette import colours
from app.data.plain_text import code
from app.server.training_routes import ERROR_COLOURS, ERROR_WORDS, IGNORED_COLOUR
from comus_core.errors import ComusError
from comus_core.scoring.round_view import PSEUDO_MASK, RoundView
from comus_core.workspace.trainings import Training

ORDERS = {"name": "By name", "worst": "Worst first", "best": "Best first", "gained": "Most improved"}
ROUND_WORDS = {PSEUDO_MASK: "Pseudo-mask", 1: "Teacher (round 1)", 2: "Student (round 2)"}


def show(training: Training) -> None:
    """Draw the comparison, with a way through the images; nothing before the first round is finished."""
    if any(name.startswith("predictions-") for name in training.artifacts):
        st.fragment(_show, key="training_comparison")(training.id)


def _show(training_id: str) -> None:
    try:
        rounds = run_cache.rounds_of(page_data.workspace().trainings.get(training_id))
        learners = "Teacher and student" if len(rounds.rounds) > 1 else "Teacher"
        st.header(f"{learners}, image by image", anchor=False)
        image_id = _walk(rounds)
        st.html(panes(rounds, image_id))
    except ComusError as fault:
        states.error(fault)


def panes(rounds: RoundView, image_id: str) -> str:
    """The HTML of an image's panes: image over ground truth, then each mask over its errors."""
    row = rounds.image_ids.index(image_id)
    truth = rounds.truth is not None and rounds.truth.has(image_id)
    photograph = html.escape(urls.round_picture(rounds, "image", row, 960))
    full = html.escape(urls.round_picture(rounds, "image", row))
    first = (
        f'<a href="{full}" target="_blank" rel="noopener"><img src="{photograph}" alt="{html.escape(image_id)}"></a>'
    )
    below = _layered(rounds, row, photograph, "truth", "Ground truth", "mask") + "<p>Ground truth</p>" if truth else ""
    masks = [f'<figure class="comus-pane"><h3>Image</h3>{first}{below}</figure>']
    masks += [_pane(rounds, row, number, photograph, truth) for number in sorted(rounds.masks)]
    height, width = rounds.mask(rounds.rounds[0], image_id).shape
    shape = f"--ratio:{width / height:.4f}"
    return f'<div class="comus-panes" style="{shape}">{"".join(masks)}</div>{_keys(rounds, image_id, truth)}'


def _pane(rounds: RoundView, row: int, number: int, photograph: str, truth: bool) -> str:
    image_id, name = rounds.image_ids[row], ROUND_WORDS.get(number, f"Round {number}")
    iou = rounds.ious.get(number, {}).get(image_id, np.nan)
    score = "" if np.isnan(iou) else f"<i>IoU {iou:.1f} %</i>"
    if not rounds.has(number, image_id):
        reason = "no proposal of this image was kept, so the first round did not learn from it"
        nothing = f'<span class="none">None: {reason}.</span>'
        return f'<figure class="comus-pane"><h3>{name}</h3>{nothing}</figure>'
    mask = _layered(rounds, row, photograph, f"mask-{number}", f"{name} of {image_id}", "mask")
    errors = ""
    if truth and number in rounds.class_of:
        errors = _layered(rounds, row, photograph, f"errors-{number}", f"Errors of {name}", "errors")
        errors += "<p>Errors</p>"
    return f'<figure class="comus-pane" data-round="{number}"><h3>{name} {score}</h3>{mask}{errors}</figure>'


def _layered(rounds: RoundView, row: int, photograph: str, name: str, words: str, kind: str) -> str:
    layer = html.escape(urls.round_picture(rounds, name, row))
    return (
        f'<span class="{kind}"><img src="{photograph}" alt="">'
        f'<img class="layer" src="{layer}" alt="{html.escape(words)}"></span>'
    )


def _keys(rounds: RoundView, image_id: str, truth: bool) -> str:
    """What the colours mean: the kinds of error, and the classes in this image."""
    if not truth or rounds.truth is None:
        return ""
    kinds = {**ERROR_COLOURS, **{kind: IGNORED_COLOUR for kind in ERROR_WORDS if kind not in ERROR_COLOURS}}
    errors = "".join(f'<span><i style="--key:{kinds[kind]}"></i>{words}</span>' for kind, words in ERROR_WORDS.items())
    palette, names = colours(len(rounds.truth.classes) - 1), rounds.truth.classes
    present = set(np.unique(rounds.truth.mask(image_id)).tolist())
    for number in rounds.class_of:
        present |= set(np.unique(rounds.classes(number, image_id)).tolist()) if rounds.has(number, image_id) else set()
    classes = "".join(
        f'<span><i style="--key:{palette[k - 1]}"></i>{html.escape(names[k])}</span>'
        for k in sorted(present)
        if 0 < k < len(names)
    )
    return f'<div class="comus-keys"><b>Errors</b>{errors}</div><div class="comus-keys"><b>Classes</b>{classes}</div>'


def _walk(rounds: RoundView) -> str:
    """The order, the buttons, and the name of the image; returns its id."""
    name = f"round_image_{rounds.training.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="training_walk"):
        orders = {by: words for by, words in ORDERS.items() if by != "gained" or len(rounds.ious) > 1}
        by = choices.segmented("Order", orders, key="round_order") if rounds.ious else "name"
        ids = rounds.ordered(by)
        here = state.setting(f"{name}_{by}", ids[0])
        at = ids.index(here) if here in ids else 0
        for label, key, to, icon in (
            ("Previous", "previous", at - 1, "chevron_left"),
            ("Next", "next", at + 1, "chevron_right"),
        ):
            st.button(
                label,
                key=f"{key}_round_image",
                icon=f":material/{icon}:",
                disabled=not 0 <= to < len(ids),
                on_click=state.set_setting,
                args=(f"{name}_{by}", ids[to] if 0 <= to < len(ids) else here),
            )
        st.markdown(f"{at + 1:,} of {len(ids):,}", width="content")
        st.caption(code(ids[at]), width="content")
    return ids[at]

"""The images that changed most between two rounds, and one of them with all its masks, side by side."""

from __future__ import annotations

import html
from collections.abc import Collection
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from app import state
from app.components.compare import compare_keys, compare_selection
from app.components.compare.panes import Pane, panes
from app.components.shared import choices
from app.components.shared.gallery import paged
from app.components.shared.states import empty
from app.data import compare_data, urls
from app.data.plain_text import code
from app.data.run_cache import rounds_of, truth_at
from app.data.score_data import MatchingName
from app.server import compare_routes
from comus_core.errors import DatasetError
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.run_round import RunRound
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import FloatArray, ImageId, IntArray
from comus_core.workspace.decisions import Decisions

PAGE, SIZE = 8, 960
SCORED = {"changed": "Changed most", "gained": "Gained most", "lost": "Lost most"}
AGREED = {"least": "Least similar", "most": "Most similar"}


def walk(
    first: OpenedRound,
    second: OpenedRound,
    ids: list[ImageId],
    values: FloatArray,
    among: Collection[ImageId] | None,
    scored: bool,
    decided: Decisions,
) -> ImageId | None:
    """A gallery of the images in the selected order, with the actions on them; returns the open one.

    Args:
        first: a round.
        second: the other.
        ids: m images.
        values: (m,) points that each gained, or, without scores, percent in which the two agree.
        among: the images selected on the map, None for all.
        scored: which of the two `values` are.
        decided: the decisions of the run of the page.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="changed_head"):
        st.header("Images", anchor=False, width="content")
        by = choices.segmented("Order", SCORED if scored else AGREED, key="changed_order" if scored else "agreed_order")
        order = ordered(values, by)
        order = order[[among is None or ids[k] in among for k in order]] if len(order) else order
        listed: list[ImageId] = [ids[k] for k in order]
        if not listed:
            empty("No image to show", "None of the images selected on the map has a mask in both rounds.", "hide_image")
            return None
        image_id = state.parameter(state.SHOWN)
        at = listed.index(image_id) if image_id in listed else 0
        for label, to, icon in (("Previous", at - 1, "chevron_left"), ("Next", at + 1, "chevron_right")):
            st.button(
                label,
                key=f"compare_{label.lower()}",
                icon=f":material/{icon}:",
                disabled=not 0 <= to < len(listed),
                on_click=state.set_parameter,
                args=(state.SHOWN, listed[to] if 0 <= to < len(listed) else ""),
            )
        st.markdown(f"{at + 1:,} of {len(listed):,}", width="content")
    page = order[paged(len(order), key=f"changed-{first.key}-{second.key}-{by}", page_size=PAGE)]
    compare_selection.of_images(first, [ids[k] for k in page], decided, with_undo=among is None)
    caption = "{:+.1f} points" if scored else "{:.1f} % agreement"
    with st.container(key="changed_images"):
        figures = "".join(
            _thumbnail(first, second, ids[k], caption.format(values[k]), ids[k] == listed[at]) for k in page
        )
        st.html(f'<div class="comus-gallery" style="--cell:150px">{figures}</div>')
    return listed[at]


def ordered(values: FloatArray, by: str) -> IntArray:
    """The numbers of the images in an order; those without a value, such as all ignored, are excluded."""
    key = {"changed": -np.abs(values), "gained": -values, "lost": values, "least": values, "most": -values}[by]
    order = np.argsort(key, kind="stable")
    return order[np.isfinite(values[order])]


def side_by_side(
    first: OpenedRound,
    second: OpenedRound,
    image_id: ImageId,
    matching: MatchingName,
    scores: tuple[ScoredRound, ScoredRound] | None,
) -> None:
    """One image: the image itself, every mask on the way to both rounds, ground truth, and the errors of both."""
    truth = truth_at(first.view, first.subject.dataset) if scores else None
    truth = truth if truth is not None and truth.has(image_id) else None
    columns = [Pane("image", "Image")]
    for one in steps(first.subject, second.subject):
        opened = compare_data.opened(one)
        if image_id in set(opened.image_ids):
            side = "".join(w for w, s in ((" · first", first), (" · second", second)) if s.key == opened.key)
            url = compare_routes.picture_url(opened, "mask", image_id, matching)
            columns.append(Pane(f"mask-{opened.key}", _title(one, first, second), side, url))
    if truth is not None and scores is not None:
        columns.append(
            Pane("truth", "Ground truth", "", compare_routes.picture_url(first, "truth", image_id, matching))
        )
        for side, opened, scored in zip(("first", "second"), (first, second), scores, strict=True):
            iou = scored.pixels.ious[scored.rows.image_ids.index(image_id)]
            url = compare_routes.picture_url(opened, "errors", image_id, matching)
            columns.append(Pane(f"errors-{side}", f"Errors ({side})", f"IoU {iou:.1f} %", url, dim=0.8))
    height, width = first.mask(image_id).shape
    st.markdown(code(image_id))
    with st.container(key="compare_panes"):
        url = image_url(first, image_id, SIZE)
        panes(key="panes", image_id=image_id, url=url, size_hw=(height, width), shown=columns)
    if scores is not None:
        st.html(compare_keys.of_classes((first, second), scores, truth, image_id))
    else:
        st.html(compare_keys.of_categories({"First": first, "Second": second}, image_id))


def steps(first: RunRound, second: RunRound) -> list[RunRound]:
    """Every round on the way to both, each once: the clusters of a run, then the rounds of its training so far."""
    by_key: dict[str, RunRound] = {}
    for one in (first, second):
        rounds = [RunRound(one.run, 0)] if one.dataset == one.run.config.dataset else []
        rounds += [RunRound(one.run, number, one.training) for number in range(1, one.number + 1)]
        by_key |= {step.key: step for step in rounds}
    return list(by_key.values())


def image_url(opened: OpenedRound, image_id: ImageId, size: int) -> str:
    """The address of one of the images that a round has masks of."""
    training = opened.subject.training
    if image_id in opened.view.image_row_of:
        return urls.image(opened.view, opened.view.image_row_of[image_id], size)
    if training is None:
        raise DatasetError(f"run {opened.view.run.id} has no image {image_id}")
    rounds = rounds_of(training)
    return urls.round_picture(rounds, "image", rounds.image_ids.index(image_id), size)


def _title(one: RunRound, first: OpenedRound, second: OpenedRound) -> str:
    name = {0: "Pseudo-mask", 1: "Teacher (round 1)", 2: "Student (round 2)"}.get(
        one.number, f"OpenedRound {one.number}"
    )
    return name if first.view.run.id == second.view.run.id else f"{name} of {one.run.name}"


def _thumbnail(first: OpenedRound, second: OpenedRound, image_id: ImageId, caption: str, opened: bool) -> str:
    parameters = {"run": first.view.run.id, state.FIRST: first.key, state.SECOND: second.key, state.SHOWN: image_id}
    parameters |= {state.LASSO: state.parameter(state.LASSO)} if state.parameter(state.LASSO) else {}
    address = html.escape("compare?" + urlencode(parameters))
    name, label, source = (html.escape(text) for text in (image_id, caption, image_url(first, image_id, 480)))
    current = ' aria-current="true"' if opened else ""
    frame = ' style="--frame:#5b7fe8"' if opened else ""
    return (
        f'<figure{frame}><a class="comus-link" href="{address}" data-image="{name}" '
        f'title="{name}"{current}><img src="{source}" loading="lazy" width="160" '
        f'height="160" alt="{name}, {label}"></a><figcaption>{label}</figcaption></figure>'
    )

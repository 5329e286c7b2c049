"""The parts of the Evaluate page: the round, what it is compared with, and the images behind the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.components.scores import confusion_matrix, score_figures
from app.components.shared import (
    choices,
    figure_files,
    figures,
    image_gallery,
    image_selection,
    navigation,
    page_data,
    selection_bar,
    states,
)
from app.components.shared.gallery import paged
from app.components.shared.score_table import About
from app.data import round_data, run_cache
from app.data.plain_text import plain
from app.data.score_data import MatchingName
from comus_core.errors import ComusError
from comus_core.evaluation.image_rows import cell_images
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.scoring.cell_proposals import cell_proposals
from comus_core.scoring.paper_scores import PaperRow, same_images
from comus_core.scoring.score_tables import deltas
from comus_core.scoring.scored_round import ScoredRound
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

PAGE, NOTHING, PAPER = 12, "", "paper:"


@dataclass(frozen=True)
class Against:
    """What a score is compared with: IoU in percent, of the classes of which it is known."""

    name: str
    miou: float
    per_class: Mapping[str, float]
    note: str = ""


def round_choice(view: RunView) -> RunRound:
    """The round whose score is shown; a list where the run was trained, a round that beats round 0 first."""
    offered = {one.key: one for one in round_data.best_first(view.workspace, view.run)}
    scored = {
        key: one for key, one in offered.items() if not one.training or f"counts-{one.number}" in one.training.artifacts
    }
    if len(scored) == 1:
        return next(iter(scored.values()))
    words = {key: round_data.words(one, run=False) for key, one in scored.items()}
    return scored[choices.selected("Round", words, key=f"score_round_{view.run.id}", width=230)]


def without_truth(view: RunView) -> None:
    """Where a trained round is to be seen if it cannot be scored; nothing before the first one."""
    if any(one.training for one in round_data.best_first(view.workspace, view.run)):
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="trained_unscored"):
            st.markdown("This run has a trained round. Compare its masks with the pseudo-masks.", width="content")
            words, address = "Compare the rounds", {"run": view.run.id}
            st.page_link(navigation.page("training"), label=words, icon=":material/school:", query_params=address)


def gain(view: RunView, scored: ScoredRound, matching: MatchingName) -> None:
    """By how much a trained round is above round 0, or below it, both scored as the page says."""
    before = round_data.round_zero(view, scored.subject, matching)
    if before is None:
        return
    number, gained = scored.subject.number, scored.score.miou - before
    icon, direction = ("trending_up", "above") if gained > 0 else ("trending_down", "below")
    points = f"{abs(gained):.1f} points"
    figures = f"{before:.1f} → {scored.score.miou:.1f} mIoU"
    st.markdown(f":material/{icon}: **Round {number} is {points} {direction} round 0**: {figures}")


def against(scored: ScoredRound, matching: MatchingName) -> Against | None:
    """What to subtract: another round on the same data set, or a row of the paper."""
    workspace, one = page_data.workspace(), scored.subject
    rows = {f"{PAPER}{k}": row for k, row in enumerate(scored.paper)}
    others = {other.key: other for other in round_data.beside(workspace, one, runs=page_data.runs())}
    words = {NOTHING: "Compare with…"} | {k: f"Paper: {row.name}" for k, row in rows.items()}
    words |= {key: round_data.words(other) for key, other in others.items()}
    if len(words) == 1:
        return None
    selected = choices.selected("Compare with", words, key=f"score_against_{one.run.id}", width=260)
    if selected in rows:
        return against_row(rows[selected], scored)
    if selected in others:
        try:
            other = round_data.scored_beside(workspace, others[selected], matching)
            deltas(scored, other)
        except ComusError as fault:
            states.error(fault)
            return None
        return Against(words[selected], other.score.miou, other.score.per_class)
    return None


def against_row(row: PaperRow, scored: ScoredRound) -> Against:
    """A row of the paper, with a note on how far the score compares with it."""
    spread = f" ± {row.spread}" if row.spread is not None else ""
    per_class = f" (IoU of {len(row.per_class)} classes)" if row.per_class else ""
    same = same_images(row, scored.dataset, len(scored.rows.image_ids))
    caveat = "" if same else "; these are other images, so the difference means little"
    note = f"The paper reports {row.miou}{spread} % in {row.table}{per_class}, on {row.data}{caveat}."
    return Against(f"{row.name} ({row.table})", row.miou, row.per_class, note)


def curves(scored: ScoredRound, said: About, reference: Against | None) -> None:
    """IoU of each class, and against size."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header("IoU by class", anchor=False)
        marks = (reference.per_class, reference.name) if reference else (None, "")
        figures.show(score_figures.class_bars(scored, *marks), key="class_bars", title="IoU by class", said=said)
    with right:
        st.header("IoU by class size", anchor=False)
        figure = score_figures.size_figure(scored)
        figures.show(figure, key="iou_by_size", title="IoU by class size", said=said)
        correlation = scored.correlation
        if correlation.rho is None:
            st.caption(f"Too few classes for Spearman's ρ: {correlation.classes} object classes.")
        else:
            significance = f"p = {correlation.p_value:.2g}, {correlation.classes} object classes"
            st.caption(
                f"Spearman's ρ = **{correlation.rho:+.2f}** ({significance}), as in Figure 9 of the paper. "
                "Size is the mean share of the image that a class covers in the images that contain it."
            )


def confused(scored: ScoredRound, said: About, decided: Decisions, filtered: bool) -> None:
    """The confusion matrix, and the images and proposals behind the cell that is opened."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="confusion_head"
    ):
        st.header("Confusion matrix", anchor=False, width="content")
        figure = score_figures.confusion_figure(scored)
        figure_files.show(figure, key="confusion", title="Confusion matrix", said=said)
    st.caption("Each row is a true class; the numbers are percent of its pixels. Click a cell to show its images.")
    opened = confusion_matrix.show(scored)
    if opened is None:
        return
    predicted, true = opened
    images, pixels = cell_images(scored.rows, scored.matched.class_of, predicted, true)
    names = [*scored.classes, score_figures.NO_CLASS]
    outcome = "correct" if predicted == true else f"predicted as {names[predicted]}"
    with st.container(horizontal=True, vertical_alignment="center", key="cell_head"):
        amount = f"{counted(len(images), 'image')}, {counted(int(pixels.sum()), 'pixel')}"
        st.markdown(f"**{plain(names[true])} {plain(outcome)}**: {amount}", width="stretch")
        st.button("Close", key="close_cell", icon=":material/close:", on_click=confusion_matrix.close)
    view = run_cache.view_of(scored.subject.run)
    if scored.dataset == view.run.config.dataset:
        rows = cell_proposals(view, decided, scored, predicted, true, filtered=filtered)
        selection_bar.show(view, decided, rows, key="cell_selection", with_undo=False)
    page = paged(len(images), key=f"cell-{predicted}-{true}-{said.run}", page_size=PAGE)
    captions = [counted(count, "pixel") for count in pixels[page]]
    _images(scored, images[page].tolist(), captions, key="cell_images")


def extremes(scored: ScoredRound, decided: Decisions) -> None:
    """The images by their own IoU, and the actions on the ones shown."""
    ious = scored.pixels.ious
    with st.container(horizontal=True, vertical_alignment="center", key="extremes_head"):
        st.header("Images", anchor=False, width="content")
        side = choices.segmented("Order of the images", {"worst": "Worst first", "best": "Best first"}, key="extremes")
    order = np.argsort(ious if side == "worst" else -ious, kind="stable")
    order = order[np.isfinite(ious[order])]
    st.caption("Ordered by the mean IoU of the classes that are present or predicted in each image.")
    page = order[paged(len(order), key=f"extremes-{side}-{scored.subject.run.id}", page_size=PAGE)]
    view = run_cache.view_of(scored.subject.run)
    if scored.dataset == view.run.config.dataset:
        shown = [str(scored.rows.image_ids[k]) for k in page]
        image_selection.show(view, decided, shown, key="extremes")
    _images(scored, page.tolist(), [f"IoU {ious[k]:.1f} %" for k in page], key="extreme_images")


def _images(scored: ScoredRound, images: list[int], captions: list[str], *, key: str) -> None:
    ids = [scored.rows.image_ids[k] for k in images]
    image_gallery.show(image_gallery.images_of(page_data.workspace(), scored.subject, ids), captions, key=key)

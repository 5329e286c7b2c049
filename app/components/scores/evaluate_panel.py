"""The parts of the Evaluate page: which round, against what, and the images behind the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app.components.scores import confusion_matrix, score_figures
from app.components.shared import choices, figure_files, figures, image_gallery, page_data, states
from app.components.shared.gallery import paged
from app.components.shared.score_table import About
from app.data import round_data
from app.data.plain_text import plain
from app.data.score_data import MatchingName
from comus_core.errors import ComusError
from comus_core.evaluation.image_rows import cell_images
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.scoring.paper_scores import PaperRow, same_images
from comus_core.scoring.score_tables import deltas
from comus_core.scoring.scored_round import ScoredRound
from comus_core.text import counted

PAGE, NOTHING, PAPER = 12, "", "paper:"


@dataclass(frozen=True)
class Against:
    """What a score is held against: IoU in percent, of the classes of which it is known."""

    name: str
    miou: float
    per_class: Mapping[str, float]
    note: str = ""


def round_choice(view: RunView) -> RunRound:
    """The round whose score is shown; a list where the run was trained."""
    offered = {one.key: one for one in round_data.rounds_of_run(view.workspace, view.run)}
    scored = {
        key: one for key, one in offered.items() if not one.training or f"counts-{one.number}" in one.training.artifacts
    }
    if len(scored) == 1:
        return next(iter(scored.values()))
    words = {key: round_data.words(one, run=False) for key, one in scored.items()}
    return scored[choices.selected("Round", words, key=f"score_round_{view.run.id}", width=230)]


def against(scored: ScoredRound, matching: MatchingName) -> Against | None:
    """What to subtract: another round on the same data set, or a row of the paper."""
    place, one = page_data.workspace(), scored.subject
    rows = {f"{PAPER}{k}": row for k, row in enumerate(scored.paper)}
    others = {other.key: other for other in round_data.beside(place, one, runs=page_data.runs())}
    words = {NOTHING: "Compare with…"} | {k: f"Paper: {row.name}" for k, row in rows.items()}
    words |= {key: round_data.words(other) for key, other in others.items()}
    if len(words) == 1:
        return None
    chosen = choices.selected("Compare with", words, key=f"score_against_{one.run.id}", width=260)
    if chosen in rows:
        return against_row(rows[chosen], scored)
    if chosen in others:
        try:
            other = round_data.scored_beside(place, others[chosen], matching)
            deltas(scored, other)
        except ComusError as fault:
            states.error(fault)
            return None
        return Against(words[chosen], other.score.miou, other.score.per_class)
    return None


def against_row(row: PaperRow, scored: ScoredRound) -> Against:
    """A row of the paper, and what must be said of holding the score against it."""
    spread = f" ± {row.spread}" if row.spread is not None else ""
    known = f"; of single classes {len(row.per_class)} are known" if row.per_class else ""
    same = same_images(row, scored.dataset, len(scored.rows.image_ids))
    where = row.data + ("" if same else ", which are other images than these, so that points mean little")
    note = f"The paper's {row.table} gives {row.miou}{spread} %{known}. Scored on {where}."
    return Against(f"{row.name} ({row.table})", row.miou, row.per_class, note)


def curves(scored: ScoredRound, said: About, held: Against | None) -> None:
    """IoU of each class, and against size."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header("IoU of each class", anchor=False)
        known = (held.per_class, held.name) if held else (None, "")
        figures.show(score_figures.class_bars(scored, *known), key="class_bars", title="IoU of each class", said=said)
    with right:
        st.header("IoU against size", anchor=False)
        figure = score_figures.size_figure(scored)
        figures.show(figure, key="iou_by_size", title="IoU against the size of the classes", said=said)
        found = scored.correlation
        if found.rho is None:
            st.caption(f"Too little to rank for Spearman's ρ: {found.classes} object classes.")
        else:
            said_p = f"p = {found.p_value:.2g}, {found.classes} object classes"
            st.caption(
                f"Spearman's ρ = **{found.rho:+.2f}** ({said_p}). As the paper's Figure 9 asks: are large things "
                "found better? Size is the mean share of the image that a class takes where it is."
            )


def confused(scored: ScoredRound, said: About) -> None:
    """The confusion matrix, and the images behind the cell that is opened."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="confusion_head"
    ):
        st.header("Confusion", anchor=False, width="content")
        figure = score_figures.confusion_figure(scored)
        figure_files.show(figure, key="confusion", title="Confusion matrix", said=said)
    st.caption(
        "Each row is a true class; the numbers are percent of its pixels. A click opens the images behind a cell."
    )
    opened = confusion_matrix.show(scored)
    if opened is None:
        return
    predicted, true = opened
    images, pixels = cell_images(scored.rows, scored.matched.class_of, predicted, true)
    names = [*scored.classes, score_figures.NO_CLASS]
    what = "found" if predicted == true else f"taken for {names[predicted]}"
    with st.container(horizontal=True, vertical_alignment="center", key="cell_head"):
        amount = f"{counted(len(images), 'image')}, {counted(int(pixels.sum()), 'pixel')}"
        st.markdown(f"**{plain(names[true])} {plain(what)}**: {amount}", width="stretch")
        st.button("Close", key="close_cell", icon=":material/close:", on_click=confusion_matrix.close)
    some = paged(len(images), key=f"cell-{predicted}-{true}-{said.run}", page_size=PAGE)
    captions = [counted(count, "pixel") for count in pixels[some]]
    _photographs(scored, images[some].tolist(), captions, key="cell_images")


def extremes(scored: ScoredRound) -> None:
    """The images by their own IoU."""
    ious = scored.pixels.ious
    with st.container(horizontal=True, vertical_alignment="center", key="extremes_head"):
        st.header("Images", anchor=False, width="content")
        side = choices.segmented("Order of the images", {"worst": "Worst first", "best": "Best first"}, key="extremes")
    order = np.argsort(ious if side == "worst" else -ious, kind="stable")
    order = order[np.isfinite(ious[order])]
    st.caption("By the mean IoU of the classes that an image has or was given, matched on all images.")
    some = order[paged(len(order), key=f"extremes-{side}-{scored.subject.run.id}", page_size=PAGE)]
    _photographs(scored, some.tolist(), [f"IoU {ious[k]:.1f} %" for k in some], key="extreme_images")


def _photographs(scored: ScoredRound, images: list[int], captions: list[str], *, key: str) -> None:
    ids = [scored.rows.image_ids[k] for k in images]
    image_gallery.show(image_gallery.photographs(page_data.workspace(), scored.subject, ids), captions, key=key)

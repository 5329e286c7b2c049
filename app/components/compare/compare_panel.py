"""The parts of the Compare page: the two rounds, their maps, the table of differences, the images that changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from app import state
from app.components.map.point_map import point_map
from app.components.shared import choices, fields, page_data, score_table, states
from app.data import compare_data, round_data, score_data, urls
from app.data.compare_data import Side
from app.data.map_choices import MAP_METHODS
from app.data.plain_text import plain
from app.data.score_data import MatchingName
from app.server import compare_routes
from comus_core.errors import ComusError
from comus_core.evaluation.bootstrap import PairedBootstrap
from comus_core.evaluation.bootstrap_words import bootstrap_words
from comus_core.pipelines.model_selection import badge
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.scoring.score_tables import class_rows, deltas
from comus_core.scoring.scored_round import ScoredRound
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace.selection_shapes import Gesture
from comus_core.workspace.selections import Selection

METHOD_WORDS = {"tsne": "t-SNE"}
INTERVALS = "Compute the 95 % interval of each difference by 10,000 bootstrap resamples of the images."


def sides(view: RunView) -> tuple[OpenedRound, OpenedRound] | None:
    """The two selected rounds, from the address; at first the run's clusters and its last round, or another run's."""
    workspace, runs = page_data.workspace(), page_data.runs()
    first = round_data.of_key(workspace, state.parameter(state.FIRST))
    if first is None or first.run.id != view.run.id:
        first = RunRound(view.run, 0)
    others = round_data.beside(workspace, first, runs=runs)
    if not others:
        return None
    own = round_data.rounds_of_run(workspace, view.run)
    offered = {one.key: one for one in own}
    others_by_key = {one.key: one for one in others}
    second = round_data.of_key(workspace, state.parameter(state.SECOND))
    key = second.key if second else ""
    second_key = key if key in others_by_key else _default(first, others)
    words = {k: round_data.words(one, beside=others_by_key[second_key]) for k, one in offered.items()}
    _chooser("First", words, state.FIRST, first.key)
    words = {k: round_data.words(one, beside=first) for k, one in others_by_key.items()}
    _chooser("Second", words, state.SECOND, second_key)
    state.set_parameter(state.FIRST, first.key)
    state.set_parameter(state.SECOND, second_key)
    return compare_data.opened(first), compare_data.opened(others_by_key[second_key])


def _default(first: RunRound, others: Sequence[RunRound]) -> str:
    """The latest round of the same run, else the first of another run."""
    own = [one for one in others if one.run.id == first.run.id]
    return (max(own, key=lambda one: one.number) if own else others[0]).key


def _chooser(label: str, words: dict[str, str], name: str, value: str) -> None:
    words, take = choices.distinct(words), partial(state.set_parameter, name)
    fields.choice(label, f"compare_{name}", value, list(words), take, format_func=words.__getitem__, width=330)


def matching_choice(view: RunView) -> MatchingName:
    """How both are matched."""
    if not view.has_truth:
        return "hungarian"
    offered = score_data.matchings(view, page_data.decisions(view))
    return choices.segmented("Matching", {k: score_data.MATCHING_WORDS[k] for k in offered}, key="matching")


def method_choice() -> None:
    """The projection of both maps, the same as on the Explore page."""
    fields.buttons(
        "Projection",
        "compare_method",
        state.map_method(),
        list(MAP_METHODS),
        state.set_map_method,
        format_func=lambda method: METHOD_WORDS.get(method, method.upper()),
        label_visibility="collapsed",
    )


def supervision_words(first: OpenedRound, second: OpenedRound) -> str:
    """The strongest supervision of the two, in words."""
    supervision = strongest([Supervision(**side.subject.supervision) for side in (first, second)])
    return badge({"direct": supervision.direct, "inherited": supervision.inherited})


def maps(first: OpenedRound, second: OpenedRound, matching: MatchingName) -> tuple[Side, Selection]:
    """The maps of both runs, one where it is the same run, with one selection; returns its side, and it."""
    both: dict[Side, OpenedRound] = {"first": first}
    if first.view.run.id != second.view.run.id:
        both["second"] = second
    sides_with_map = {side: opened for side, opened in both.items() if "projection" in opened.view.run.artifacts}
    drawn_side, selection = _selection()
    if drawn_side not in sides_with_map:
        drawn_side, selection = "first", Selection()
    method = state.map_method()
    for column, (side, opened) in zip(
        st.columns(max(len(sides_with_map), 1), gap="medium"), sides_with_map.items(), strict=False
    ):
        with column:
            if len(sides_with_map) > 1:
                st.markdown(
                    f"**{plain(round_data.run_words(opened.subject, (second if side == 'first' else first).subject))}**"
                )
            _map(side, opened, matching, method, (drawn_side, selection), sides_with_map[drawn_side])
    return drawn_side, selection


def _map(
    side: Side,
    opened: OpenedRound,
    matching: MatchingName,
    method: str,
    selected: tuple[Side, Selection],
    drawn_on: OpenedRound,
) -> None:
    colouring = compare_data.map_colouring(opened, compare_data.clusters_score(opened, matching))
    same_map = selected[0] == side and selected[1].method == method
    only = "" if same_map or not selected[1].gestures else selected[1].key
    point_map(
        key=f"compare-map-{side}-{opened.view.run.id}",
        points_url=urls.points(opened.view, method),
        colours_url=compare_routes.colours_url(opened, matching, drawn_on.key if only else "", only),
        names=colouring.names,
        category_colours=colouring.colours,
        unassigned="not selected" if only else colouring.unassigned,
        gestures=selected[1].gestures if same_map else (),
        on_gestures=lambda gestures: _draw(side, method, gestures),
        image_url=urls.crop(opened.view, "{i}", 160, outline=True),
        label=f"Map of {opened.view.run.name}",
        height=430,
    )


def clear() -> None:
    """Select nothing."""
    state.set_parameter(state.LASSO, "")


def _draw(side: Side, method: str, gestures: tuple[Gesture, ...]) -> None:
    key = page_data.workspace().selections.keep(method, gestures).key
    state.set_parameter(state.LASSO, f"{side}.{key}" if gestures else "")


def _selection() -> tuple[Side, Selection]:
    side, _, key = state.parameter(state.LASSO).partition(".")
    try:
        selection = page_data.workspace().selections.read(key)
    except ComusError:
        selection = Selection()  # an address from another workspace
    return ("second" if side == "second" else "first"), selection


def table(first: ScoredRound, second: ScoredRound, names: tuple[str, str], supervision: str) -> None:
    """IoU of each class in both, the difference, and on a click its confidence interval."""
    key = tuple((s.subject.run.id, s.subject.number, s.dataset, s.score.miou, s.matched.mode) for s in (first, second))
    with st.container(horizontal=True, vertical_alignment="center", key="deltas_head"):
        st.header("Classes", anchor=False, width="stretch")
        begin = st.button(
            "Confidence intervals", key="compare_bootstrap", icon=":material/query_stats:", help=INTERVALS
        )
        differences = compare_data.bootstrap(first, second, key, begin=begin)
        rows = frame(first, second, differences)
        said = score_table.about_run(second.subject.run, second.score.matching, f"{names[1]} minus {names[0]}")
        said = score_table.About(said.run, second.dataset, said.synthetic, supervision, said.matching, said.proposals)
        score_table.download(rows, said, name="differences", key="download_differences")
    st.dataframe(
        rows,
        key="delta_table",
        hide_index=True,
        height=score_table.table_height(len(rows), 480),
        column_config={
            "First": st.column_config.NumberColumn(format="%.2f", help=f"IoU of {plain(names[0])}, percent"),
            "Second": st.column_config.NumberColumn(format="%.2f", help=f"IoU of {plain(names[1])}, percent"),
            "Difference": st.column_config.NumberColumn(format="%+.2f", help="Second minus first, in points"),
            "Low": st.column_config.NumberColumn(format="%+.2f", help="Lower end of the 95 % interval"),
            "High": st.column_config.NumberColumn(format="%+.2f", help="Upper end of the 95 % interval"),
        },
    )
    if differences is not None:
        how = bootstrap_words(
            differences.images, differences.resamples, differences.seed, fixed=differences.matching_fixed
        )
        st.caption(f"Intervals: {how}. The classes keep the matching of all images.")


def frame(first: ScoredRound, second: ScoredRound, differences: PairedBootstrap | None) -> pd.DataFrame:
    """A row a class, mIoU first; with intervals where they are known."""
    points = deltas(second, first)
    one, two = ({"mIoU": s.score.miou} | s.score.per_class for s in (first, second))
    columns = {"Class": list(points), "First": [one[k] for k in points], "Second": [two[k] for k in points]}
    columns["Difference"] = list(points.values())
    if differences is not None:
        columns["Low"] = [differences.low, *(low for _, low, _ in differences.classes)]
        columns["High"] = [differences.high, *(high for _, _, high in differences.classes)]
    return pd.DataFrame(columns)


def agreed(first: OpenedRound, second: OpenedRound) -> ScoredRound | None:
    """Without ground truth: how far the two agree; None until it was computed."""
    agreement = compare_data.agreement(first, second, begin=False)
    if agreement is None:
        states.empty(
            "No ground truth: agreement instead of scores",
            "Reads all masks of both rounds once; the first stands in for the ground truth.",
            "compare",
        )
        with st.container(horizontal_alignment="center"):
            if not st.button("Compare the masks", key="compare_agreement", icon=":material/compare:"):
                return None
        with st.spinner("Reading the masks of both rounds"):
            compare_data.agreement(first, second, begin=True)
        st.rerun()
    with st.container(horizontal=True, gap="medium", key="agreement_figures"):
        st.metric(
            "Agreement", f"{agreement.score.miou:.2f} %", width="content", help="Mean IoU of the matched categories."
        )
        st.metric("Pixel agreement", f"{agreement.score.pixel_accuracy:.2f} %", width="content")
        st.metric("Images", f"{len(agreement.rows.image_ids):,}", width="content")
    classes = class_rows(agreement)
    rows = pd.DataFrame(
        {
            "First": [row.name for row in classes],
            "Agreement": [row.iou for row in classes],
            "Second": [", ".join(row.found_by) for row in classes],
        }
    )
    st.dataframe(
        rows,
        key="agreement_table",
        hide_index=True,
        height=score_table.table_height(len(rows), 480),
        column_config={"Agreement": score_table.percent_column(160, "IoU of the matched categories, percent")},
    )
    said = score_table.about_run(second.subject.run, proposals=f"{first.key} and {second.key}")
    score_table.download(rows, said, name="agreement", key="download_agreement", type="tertiary")
    return agreement

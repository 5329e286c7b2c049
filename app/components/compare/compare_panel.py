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
from comus_core.pipelines.model_selection import badge
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.scoring.score_tables import class_rows, deltas
from comus_core.scoring.scored_round import ScoredRound
from comus_core.text import counted
from comus_core.weights import Supervision, strongest
from comus_core.workspace.selection_shapes import Gesture
from comus_core.workspace.selections import Selection

METHOD_WORDS = {"tsne": "t-SNE"}
SURE = "Draws the images with replacement 10,000 times and tells in what interval each difference lies."


def sides(view: RunView) -> tuple[OpenedRound, OpenedRound] | None:
    """The two rounds chosen, from the address; at first the run's clusters and its last round, or another run's."""
    place, runs = page_data.workspace(), page_data.runs()
    first = round_data.of_key(place, state.parameter(state.FIRST))
    if first is None or first.run.id != view.run.id:
        first = RunRound(view.run, 0)
    others = round_data.beside(place, first, runs=runs)
    if not others:
        return None
    own = round_data.rounds_of_run(place, view.run)
    offered = {one.key: one for one in own}
    known = {one.key: one for one in others}
    second = round_data.of_key(place, state.parameter(state.SECOND))
    key = second.key if second else ""
    second_key = key if key in known else _default(first, others)
    words = {k: round_data.words(one, beside=known[second_key]) for k, one in offered.items()}
    _chooser("First", words, state.FIRST, first.key)
    words = {k: round_data.words(one, beside=first) for k, one in known.items()}
    _chooser("Second", words, state.SECOND, second_key)
    state.set_parameter(state.FIRST, first.key)
    state.set_parameter(state.SECOND, second_key)
    return compare_data.opened(first), compare_data.opened(known[second_key])


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


def owed(first: OpenedRound, second: OpenedRound) -> str:
    """What the two together owe to supervision, in words."""
    whole = strongest([Supervision(**side.subject.supervision) for side in (first, second)])
    return badge({"direct": whole.direct, "inherited": whole.inherited})


def maps(first: OpenedRound, second: OpenedRound, matching: MatchingName) -> tuple[Side, Selection]:
    """The maps of both runs, one where it is the same run, with one selection; whose map it was drawn on, and it."""
    shown: dict[Side, OpenedRound] = {"first": first}
    if first.view.run.id != second.view.run.id:
        shown["second"] = second
    shown = {side: found for side, found in shown.items() if "projection" in found.view.run.artifacts}
    drawn, selection = _selection()
    if drawn not in shown:
        drawn, selection = "first", Selection()
    method = state.map_method()
    for column, (side, found) in zip(st.columns(max(len(shown), 1), gap="medium"), shown.items(), strict=False):
        with column:
            if len(shown) > 1:
                st.markdown(
                    f"**{plain(round_data.run_words(found.subject, (second if side == 'first' else first).subject))}**"
                )
            _map(side, found, matching, method, (drawn, selection), shown[drawn])
    return drawn, selection


def _map(
    side: Side,
    found: OpenedRound,
    matching: MatchingName,
    method: str,
    drawn: tuple[Side, Selection],
    drawn_on: OpenedRound,
) -> None:
    colouring = compare_data.map_colouring(found, compare_data.clusters_score(found, matching))
    here = drawn[0] == side and drawn[1].method == method
    only = "" if here or not drawn[1].gestures else drawn[1].key
    point_map(
        key=f"compare-map-{side}-{found.view.run.id}",
        points_url=urls.points(found.view, method),
        colours_url=compare_routes.colours_url(found, matching, drawn_on.key if only else "", only),
        names=colouring.names,
        category_colours=colouring.colours,
        unassigned="not selected" if only else colouring.unassigned,
        gestures=drawn[1].gestures if here else (),
        on_gestures=lambda gestures: _draw(side, method, gestures),
        image_url=urls.crop(found.view, "{i}", 160, outline=True),
        label=f"Map of {found.view.run.name}",
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
        found = page_data.workspace().selections.read(key)
    except ComusError:
        found = Selection()  # an address from another workspace
    return ("second" if side == "second" else "first"), found


def table(first: ScoredRound, second: ScoredRound, names: tuple[str, str], supervision: str) -> None:
    """IoU of each class in both, the difference, and, once asked for, how sure it is."""
    key = tuple((s.subject.run.id, s.subject.number, s.dataset, s.score.miou, s.matched.mode) for s in (first, second))
    with st.container(horizontal=True, vertical_alignment="center", key="deltas_head"):
        st.header("Classes", anchor=False, width="stretch")
        asked = st.button("How sure?", key="compare_bootstrap", icon=":material/query_stats:", help=SURE)
        found = compare_data.bootstrap(first, second, key, begin=asked)
        rows = frame(first, second, found)
        said = score_table.about_run(second.subject.run, second.score.matching, f"{names[1]} minus {names[0]}")
        said = score_table.About(said.run, second.dataset, said.synthetic, supervision, said.matching, said.proposals)
        score_table.download(rows, said, name="differences", key="download_differences")
    signed = {"format": "%+.2f"}
    st.dataframe(
        rows,
        key="delta_table",
        hide_index=True,
        height=score_table.table_height(len(rows), 480),
        column_config={
            "First": st.column_config.NumberColumn(format="%.2f", help=f"IoU of {plain(names[0])}, percent"),
            "Second": st.column_config.NumberColumn(format="%.2f", help=f"IoU of {plain(names[1])}, percent"),
            "Points": st.column_config.NumberColumn(**signed, help="Second minus first"),
            "Low": st.column_config.NumberColumn(**signed, help="Lower end of the 95 % interval"),
            "High": st.column_config.NumberColumn(**signed, help="Upper end of the 95 % interval"),
        },
    )
    if found is not None:
        st.caption(
            f"95 % intervals of a paired bootstrap over {counted(found.images, 'image')}, "
            f"{found.resamples:,} resamples. mIoU is matched "
            + ("once on all images" if found.matching_fixed else "anew in every resample")
            + "; the classes keep the matching of all images."
        )


def frame(first: ScoredRound, second: ScoredRound, found: PairedBootstrap | None) -> pd.DataFrame:
    """A row a class, mIoU first; with intervals where they are known."""
    points = deltas(second, first)
    one, two = ({"mIoU": s.score.miou} | s.score.per_class for s in (first, second))
    columns = {"Class": list(points), "First": [one[k] for k in points], "Second": [two[k] for k in points]}
    columns["Points"] = list(points.values())
    if found is not None:
        columns["Low"] = [found.low, *(low for _, low, _ in found.classes)]
        columns["High"] = [found.high, *(high for _, _, high in found.classes)]
    return pd.DataFrame(columns)


def agreed(first: OpenedRound, second: OpenedRound) -> ScoredRound | None:
    """Without ground truth: how far the two agree; None until it was asked for."""
    found = compare_data.agreement(first, second, begin=False)
    if found is None:
        states.empty(
            "No ground truth: agreement instead of scores",
            "All masks of both are read once and matched as the first run is, which stands in the place of the truth.",
            "compare",
        )
        with st.container(horizontal_alignment="center"):
            if not st.button("Compare the masks", key="compare_agreement", icon=":material/compare:"):
                return None
        with st.spinner("Reading the masks of both…"):
            compare_data.agreement(first, second, begin=True)
        st.rerun()
    with st.container(horizontal=True, gap="medium", key="agreement_figures"):
        st.metric("Agreement", f"{found.score.miou:.2f} %", width="content", help="Mean IoU of the matched categories.")
        st.metric("Pixels alike", f"{found.score.pixel_accuracy:.2f} %", width="content")
        st.metric("Images", f"{len(found.rows.image_ids):,}", width="content")
    classes = class_rows(found)
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
        column_config={
            "Agreement": st.column_config.ProgressColumn(help="IoU of the two, percent", **score_table.PERCENT)
        },
    )
    said = score_table.about_run(second.subject.run, proposals=f"{first.key} and {second.key}")
    score_table.download(rows, said, name="agreement", key="download_agreement", type="tertiary")
    return found

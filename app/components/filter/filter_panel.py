"""The draft of the filter and the applied one: slider, figures, table of clusters, and affected proposals."""

from __future__ import annotations

from functools import partial
from typing import Literal

import pandas as pd
import streamlit as st

from app import state
from app.components.shared import choices, fields, notices, selection_bar, states
from app.components.shared.gallery import gallery, paged
from app.components.shared.score_table import about, download, table_height
from app.data import score_data
from app.data.glossary import term_help, term_title
from app.data.palette import CORE, FILTERED
from app.data.plain_text import plain
from app.data.signs import delta, minus
from comus_core.config import FilterBy
from comus_core.curation import filter_draft
from comus_core.curation.decision_words import listed
from comus_core.curation.filter_explanation import explain_filter
from comus_core.errors import ComusError
from comus_core.evaluation.report import CurvePoint, Score
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_view import RunView
from comus_core.scoring.cluster_summary import summaries
from comus_core.scoring.core_curves import NAMES, means_of
from comus_core.scoring.core_precision import precision_of
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

SIDES = {"dropped": "Dropped", "kept": "Kept", "newly": "Newly dropped", "back": "Kept again"}
SIDE_WORDS = {
    "dropped": "dropped",
    "kept": "kept",
    "newly": "kept by the applied filter but dropped by this one",
    "back": "dropped by the applied filter but kept by this one",
}
ALL = -1  # the scope of the slider that is no cluster
RANKINGS: dict[FilterBy, str] = {
    "distance": "Distance to the centre (paper)",
    "silhouette": "Silhouette",
    "density": "Density of neighbours",
    "agreement": "Agreement of neighbours",
}
LAST_WORDS: dict[FilterBy, str] = {
    "distance": "farthest from the centre",
    "silhouette": "lowest silhouette",
    "density": "lowest density",
    "agreement": "lowest agreement",
}


def draft_of(view: RunView, decided: Decisions) -> Decisions:
    """The draft of the filter: it lives in the session until it is applied, or the same is decided elsewhere.

    A decision elsewhere about other categories joins it; about the same ones it wins, and the draft is kept so that it
    can be restored.
    """
    base, draft = state.setting(_key(view), (decided, decided))
    if filter_draft.is_independent(base, draft, decided):
        return filter_draft.rebase(base, draft, decided)
    _put_draft(view, decided, decided, overtaken=(base, draft))
    return decided


def sliders(view: RunView, decided: Decisions, draft: Decisions) -> int:
    """The scope and its slider; returns the scope: a cluster, or `ALL`."""
    labels = view.labels(decided)
    words = {ALL: "All clusters"} | dict(zip(labels.ids, labels.names, strict=True))
    scope = choices.selected("Filter for", words, key="filter_scope", hidden=False)
    percent = draft.filter_percent if scope == ALL else draft.percent_of([scope])[scope]

    def take(value: float) -> None:
        tried = draft_of(view, decided)  # what was entered since the page was drawn is in it
        _put_draft(view, decided, filter_draft.with_percent(tried, value, None if scope == ALL else scope))

    label = f"Share of each cluster that is dropped, {LAST_WORDS[draft.filter_by]} first"
    fields.percent(label, f"filter_slider_{scope}", float(percent), take, help=term_help("filter"))
    own = len(draft.cluster_percent)
    if scope == ALL and own:
        have = "has its own percentage" if own == 1 else "have their own percentages"
        st.caption(f"{counted(own, 'cluster')} {have}; moving this slider sets all clusters.")
    return scope


def ranking(view: RunView, decided: Decisions, draft: Decisions) -> bool:
    """What the draft ranks proposals by; returns whether the curves of the others are to be shown as well."""
    offered = score_data.rankings(view)
    if len(offered) == 1:
        st.caption("This older clustering has one ranking only; run it again to compute the others.")
        return False
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="filter_ranking"):

        def take(by: FilterBy) -> None:
            _put_draft(view, decided, filter_draft.with_by(draft_of(view, decided), by))

        by, words = draft.filter_by, RANKINGS.__getitem__
        term = {"distance": "distance", "silhouette": "uncertainty", "agreement": "affinity"}.get(by, "core")
        explained = term_help(term)
        fields.choice("Ranked by", "filter_by", by, offered, take, format_func=words, width=280, help=explained)
        compared = "filter_compare"
        shown, keep = bool(state.setting(compared, False)), partial(state.set_setting, compared)
        return view.has_truth and fields.switch("Compare all rankings", f"{compared}_widget", shown, keep)


def other_curves(view: RunView, draft: Decisions) -> dict[str, list[CurvePoint]]:
    """The curve of every ranking but the draft's, by its name for people."""
    matching = score_data.matchings(view, draft)[0]
    others = [by for by in score_data.rankings(view) if by != draft.filter_by]
    return {RANKINGS[by]: score_data.curve(view, filter_draft.with_by(draft, by), matching) for by in others}


def figures(view: RunView, decided: Decisions, draft: Decisions, now: Score | None) -> None:
    """Kept, coverage and scores of the draft, with the difference to what is decided; `now` is the draft's score."""
    keep, kept_before = int(view.kept(draft).sum()), int(view.kept(decided).sum())
    drop, dropped_before = filter_draft.dropped(view, draft), filter_draft.dropped(view, decided)
    cover, cover_before = 100 * view.coverage(draft), 100 * view.coverage(decided)
    with st.container(horizontal=True, gap="medium", key="filter_figures"):
        _figure("Kept", f"{keep:,}", keep - kept_before, "+,d", term="core")
        _figure("Dropped", f"{drop:,}", drop - dropped_before, "+,d")
        _figure("Coverage", f"{cover:.1f} %", cover - cover_before, "+.1f", term="coverage")
        before = scores(view, decided) if now is not None else None
        if now is not None and before is not None:
            _figure("mIoU", f"{now.miou:.2f} %", now.miou - before.miou, "+.2f", "normal")
            accuracy = now.pixel_accuracy - before.pixel_accuracy
            _figure("Pixel accuracy", f"{now.pixel_accuracy:.2f} %", accuracy, "+.2f", "normal")
            _precision(view, decided, draft)
        else:
            _stand_ins(view, decided, draft)


def _precision(view: RunView, decided: Decisions, draft: Decisions) -> None:
    """The core precision, nothing where no proposal of the core has a class."""
    right = score_data.rightness(view, draft, score_data.matchings(view, draft)[0])
    if right is None:
        return
    now, before = (100 * precision_of(right, view.kept(one)) for one in (draft, decided))
    if now == now:  # not NaN
        _figure(
            "Core precision",
            f"{now:.1f} %",
            now - before if before == before else 0.0,
            "+.1f",
            "normal",
            "core precision",
        )


def _stand_ins(view: RunView, decided: Decisions, draft: Decisions) -> None:
    """Measures of the core without ground truth."""
    before, now = (means_of(view, view.kept(one)) for one in (decided, draft))
    for name, value in now.items():
        if value == value:  # not NaN: something is kept
            change = value - before[name]
            share = name != "silhouette"
            words = f"{100 * value:.1f} %" if share else minus(f"{value:.3f}")
            _figure(NAMES[name], words, 100 * change if share else change, "+.1f" if share else "+.3f", "normal")


def scores(view: RunView, draft: Decisions) -> Score | None:
    """The score with dropped proposals as background, under the run's own matching; None without ground truth."""
    if not view.has_truth:
        return None
    return score_data.scored(view, draft, score_data.matchings(view, draft)[0], filtered=True).score


def decide(view: RunView, decided: Decisions, draft: Decisions) -> None:
    """The buttons that apply the draft, or discard it."""
    same = filter_draft.same_filter(decided, draft, view.categories(decided).ids)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter_decide"):
        st.button(
            "Apply",
            key="apply_filter",
            type="primary",
            icon=":material/check:",
            disabled=same,
            on_click=lambda: _apply(view, decided),
        )
        st.button(
            "Reset",
            key="reset_filter",
            icon=":material/undo:",
            disabled=same,
            on_click=lambda: _put_draft(view, decided, decided),
        )
        words = f"Applied filter: {_words(decided)}."
        st.caption(words if same else f"{words} Changes take effect when you apply them.")
    _overtaken(view, decided)


def _overtaken(view: RunView, decided: Decisions) -> None:
    """Notice that the filter was changed elsewhere, and the button that restores the draft."""
    overtaken = state.setting(f"{_key(view)}-overtaken", None)
    if overtaken is None:
        return
    base, draft = overtaken
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="filter_overtaken"):
        st.markdown(
            f":material/group: The filter was changed in another window, to {_words(decided)}. "
            f"Your draft was {_words(draft)}.",
            width="stretch",
        )
        again = filter_draft.rebase(base, draft, decided)
        st.button("Restore my draft", key="try_again", on_click=lambda: _put_draft(view, decided, again))
        st.button(
            "Dismiss", key="dismiss_overtaken", on_click=lambda: state.set_setting(f"{_key(view)}-overtaken", None)
        )


def clusters_table(view: RunView, draft: Decisions) -> pd.DataFrame:
    """A row a cluster: its filter, how many it keeps, and of how many."""
    rows = summaries(view, draft)
    return pd.DataFrame(
        {
            "Cluster": [s.name for s in rows],
            "Filter": [s.percent for s in rows],
            "Kept": [len(s.core) for s in rows],
            "Total": [s.size for s in rows],
            "Share": [100 * len(s.core) / max(s.size, 1) for s in rows],
        }
    )


def show_table(view: RunView, draft: Decisions) -> None:
    """Draw the table of clusters."""
    table = clusters_table(view, draft)
    st.dataframe(
        table,
        key="filter_table",
        hide_index=True,
        height=table_height(len(table)),
        column_config={
            "Filter": st.column_config.NumberColumn(format="%g %%", width=60),
            "Kept": st.column_config.NumberColumn(width=55, help=term_title("core")),
            "Total": st.column_config.NumberColumn(width=55),
            "Share": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100, width=130),
        },
    )
    download(table, about(view, "", ""), name="filter", key="download_filter", type="tertiary")


def pictures(view: RunView, decided: Decisions, draft: Decisions, scope: int) -> None:
    """The proposals that the draft drops, keeps, newly drops or keeps again, closest to the threshold first."""
    dropped, kept = filter_draft.border_first(view, draft, None if scope == ALL else scope)
    before = view.kept(decided)
    rows_of = {"dropped": dropped, "kept": kept, "newly": dropped[before[dropped]], "back": kept[~before[kept]]}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="filter_sides"):
        side = choices.segmented("Show", SIDES, key="filter_side")
        selection = state.selection(view.run.id)
        rows = rows_of[side]
        if selection.gestures and _selected_only():
            rows = rows[chosen(view, selection)[rows]]
        colour = FILTERED if side in ("dropped", "newly") else CORE
        st.caption(
            f"{len(rows):,} {SIDE_WORDS[side]}, closest to the threshold first, each with the filter that drops it."
        )
    if not len(rows):
        states.empty("No proposals to show", "Move the slider to see what changes.", "filter_alt")
    acted_on = selection_bar.all_of(view, rows, key="filter_selection")
    selection_bar.show(view, decided, acted_on, key="filter_selection")
    id_of = view.categories(draft).id_of
    page = rows[paged(len(rows), key=f"filter-{view.run.id}-{side}-{scope}", page_size=48)]
    captions = [
        f"{draft.name_of(int(id_of[row]))} · {explain_filter(view, int(row), draft).limit_words}" for row in page
    ]
    gallery(view, page, captions=captions, outlines=colour, size=160, key="filter_gallery")


def _selected_only() -> bool:
    """Whether only what is selected on the map is shown."""
    name = "filter_selected_only"
    shown, keep = bool(state.setting(name, False)), partial(state.set_setting, name)
    return fields.switch("Only the map selection", f"{name}_widget", shown, keep)


def _apply(view: RunView, decided: Decisions) -> None:
    draft = draft_of(view, decided)  # as it stands when the button is pressed, not as it was when that was drawn
    try:
        now = filter_draft.apply(view.workspace, view.run, decided, draft)
    except ComusError as fault:
        _put_draft(view, decided, draft)
        notices.fault(fault)
        return
    _put_draft(view, now, now)
    notices.say("Filter applied on all pages.")


def _put_draft(
    view: RunView, base: Decisions, draft: Decisions, overtaken: tuple[Decisions, Decisions] | None = None
) -> None:
    """Remember the draft, and what was decided when it began."""
    state.set_setting(_key(view), (base, draft))
    state.set_setting(f"{_key(view)}-overtaken", overtaken)


def _words(decided: Decisions) -> str:
    """A filter in words, such as `20 % by silhouette, cup at 40 %`."""
    by = f" by {decided.filter_by}" if decided.filter_by != "distance" else ""
    own = [f"{plain(decided.name_of(k))} at {p:g} %" for k, p in sorted(decided.cluster_percent.items())]
    return f"{decided.filter_percent:g} %{by}" + (f", {listed(own, 3)}" if own else "")


def _figure(
    label: str, value: str, change: float, spec: str, colour: Literal["normal", "off"] = "off", term: str = ""
) -> None:
    explained = term_help(term) if term else None
    st.metric(label, value, delta(change, spec), delta_color=colour, width="content", help=explained)


def _key(view: RunView) -> str:
    return f"filter-draft-{view.run.id}-{view.run.artifacts['clustering']}"

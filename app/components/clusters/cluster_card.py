"""A card a cluster: its name to be edited, and its core and filtered proposals side by side, nearest first."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app.components.clusters import cluster_actions
from app.components.shared import deciding, fields
from app.components.shared.gallery import drawn_grid, grid, paged
from app.data.palette import CORE, FILTERED
from app.data.plain_text import plain
from comus_core import curation
from comus_core.runs.categories import Categories
from comus_core.runs.run_view import RunView
from comus_core.scoring.cluster_summary import ClusterSummary, CropOrder, crop_order, uncertainty_of
from comus_core.text import counted, one_line
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions

PREVIEW = 12  # crops a side of a card
WHOLE_PAGE = 48  # crops a side of a cluster shown alone
STYLE = Path(__file__).with_suffix(".css")


def show(
    view: RunView,
    decided: Decisions,
    summary: ClusterSummary,
    colour: str,
    near: Sequence[int],
    order: CropOrder = "near",
) -> None:
    """Draw the card of a cluster among others; crops can be dropped on it. Its own link opens the cluster alone."""
    with st.container(border=True, key=f"card_{summary.cluster}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{summary.cluster}"):
            _selecting(view, decided, summary)
            heading(view, decided, summary, colour)
            link = f'<a class="comus-link" data-open href="{_address(view, summary.cluster)}">Show all</a>'
            st.html(f'<div class="comus-line">{_facts(summary)}{_near(view, decided, summary, near)}{link}</div>')
        st.html(_sides(view, decided, summary, slice(0, PREVIEW), order, whole=False))


def alone(
    view: RunView,
    decided: Decisions,
    summary: ClusterSummary,
    colour: str,
    near: Sequence[int],
    order: CropOrder = "near",
) -> None:
    """Draw one cluster alone, its two sides paged together; its crops can be selected."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{summary.cluster}"):
        heading(view, decided, summary, colour)
        st.html(f'<div class="comus-line">{_facts(summary)}{_near(view, decided, summary, near)}</div>')
    longest = max(len(summary.core), len(summary.filtered), len(summary.drawn))
    page = paged(longest, key=f"cluster-{view.run.id}-{summary.cluster}", page_size=WHOLE_PAGE)
    st.html(_sides(view, decided, summary, page, order))


def pair(
    view: RunView, decided: Decisions, summaries: Sequence[ClusterSummary], colours: Sequence[str], order: CropOrder
) -> None:
    """Draw two clusters beside each other, paged together; their crops can be selected."""
    longest = max(max(len(s.core), len(s.filtered), len(s.drawn)) for s in summaries)
    key = f"clusters-{view.run.id}-{summaries[0].cluster}-{summaries[1].cluster}"
    page = paged(longest, key=key, page_size=WHOLE_PAGE // 2)
    for column, summary, colour in zip(st.columns(2, gap="medium"), summaries, colours, strict=True):
        with column, st.container(key=f"pair_{summary.cluster}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{summary.cluster}"):
                heading(view, decided, summary, colour)
                st.html(f'<div class="comus-line">{_facts(summary)}</div>')
            st.html(_sides(view, decided, summary, page, order))


def _selecting(view: RunView, decided: Decisions, summary: ClusterSummary) -> None:
    fields.tick(
        f"Select {plain(summary.name)}",
        cluster_actions.tick_of(summary.cluster),
        summary.cluster in cluster_actions.selected(view, decided),
        partial(cluster_actions.select, view, summary.cluster),
        about=view.run.id,
        label_visibility="collapsed",
        width="content",
    )


def heading(view: RunView, decided: Decisions, summary: ClusterSummary, colour: str) -> None:
    """The cluster's colour, the field for its name, and the button that resets the name."""
    st.html(
        f'<div class="comus-dot-cell"><span class="comus-dot" style="--dot:{colour}"></span></div>', width="content"
    )
    fields.text(
        f"Name of cluster {summary.cluster}",
        f"name_{summary.cluster}",
        summary.name,
        lambda name: rename(view, summary, name, decided.version),
        about=view.run.id,
        label_visibility="collapsed",
        placeholder=summary.name,
        max_chars=60,
        width=240,
        autocomplete="off",
    )
    if summary.cluster in decided.names:
        cluster_actions.unname_button(view, decided, summary.cluster)


def rename(view: RunView, summary: ClusterSummary, name: str, version: int) -> None:
    """Write a new name to the log of decisions; an empty field and the same name decide nothing."""
    wanted = one_line(name)
    if wanted and wanted != curation.decided_in(view).name_of(summary.cluster):
        words = f"Renamed: {wanted}"
        deciding.act(view, words, version, partial(curation.rename, view, summary.cluster, wanted))


def _facts(summary: ClusterSummary) -> str:
    words = [f"<span>{counted(summary.size, 'proposal')}</span>"]
    if summary.match is not None:
        class_name, match = summary.match.class_name, summary.match
        words.append(
            f'<span title="The class it is matched to">class <b>{html.escape(class_name or "none")}</b></span>'
        )
        if class_name:
            title = "Share of its pixels that belong to the matched class"
            words.append(f'<span title="{title}">purity {match.purity:.0f} %</span>')
            words.append(f'<span title="Of this cluster alone, before the filter">IoU {match.iou:.1f} %</span>')
    if not math.isnan(summary.confidence):
        title = "Mean saliency inside its masks"
        words.append(f'<span title="{title}">saliency {100 * summary.confidence:.0f} %</span>')
    if not math.isnan(summary.uncertainty):
        title = "Mean of 1 − silhouette; above 1, another cluster is closer"
        words.append(f'<span title="{title}">uncertainty {summary.uncertainty:.2f}</span>')
    if summary.drawn:
        title = "Objects that a person drew: in no filter and on no map, always kept"
        words.append(f'<span title="{title}">{len(summary.drawn):,} drawn</span>')
    if summary.by_hand:
        words.append(f"<span>{summary.by_hand:,} moved here manually</span>")
    return "".join(words)


def _near(view: RunView, decided: Decisions, summary: ClusterSummary, near: Sequence[int]) -> str:
    """The nearest clusters, each a link that puts it beside this one."""
    links = [
        f'<a class="comus-link" data-near href="{_address(view, summary.cluster, k)}" title="Show both side by side">'
        f"{html.escape(decided.name_of(k))}</a>"
        for k in near
    ]
    return f'<span class="comus-near">nearest: {", ".join(links)}</span>' if near else ""


def _address(view: RunView, cluster: int, beside: int | None = None) -> str:
    parameters = {"run": view.run.id, "cluster": cluster} | ({} if beside is None else {"beside": beside})
    return "clusters?" + html.escape(urlencode(parameters))


def _sides(
    view: RunView, decided: Decisions, summary: ClusterSummary, shown: slice, order: CropOrder, whole: bool = True
) -> str:
    picked = cluster_actions.picked_crops(view, decided)
    side = partial(_side, view, view.categories(decided), shown=shown, order=order, picked=picked, tab_stops=whole)
    core = side("Core", CORE, summary.core, words=f"{len(summary.core):,} kept")
    words = f"{len(summary.filtered):,} dropped at {summary.percent:g} %"
    dropped = side("Filtered", FILTERED, summary.filtered, words=words)
    drawn = _drawn(view, decided, summary, shown, picked, whole)
    return f'<div class="comus-sides{" comus-whole" if whole else ""}">{core}{dropped}{drawn}</div>'


def _drawn(
    view: RunView, decided: Decisions, summary: ClusterSummary, shown: slice, picked: Collection[str], tab_stops: bool
) -> str:
    """The objects that a person drew in the cluster; nothing if there are none."""
    names = summary.drawn[shown]
    if not names:
        return ""
    captions = ["drawn"] * len(names)
    body = drawn_grid(view, decided, names, captions=captions, outlines=CORE, picked=picked, tab_stops=tab_stops)
    words = f"{len(summary.drawn):,} always kept"
    return (
        f'<section class="comus-side" style="--side:{CORE}" data-side="drawn"><h2>Drawn <span>{words}</span></h2>'
        f"{body}</section>"
    )


def _side(
    view: RunView,
    categories: Categories,
    title: str,
    colour: str,
    rows: IntArray,
    *,
    shown: slice,
    order: CropOrder,
    words: str,
    picked: Collection[str],
    tab_stops: bool,
) -> str:
    rows = crop_order(view, rows, order)
    values = uncertainty_of(view) if order == "uncertain" else categories.distance
    captions = ["moved" if categories.by_hand[row] else f"{values[row]:.3f}" for row in rows[shown]]
    if len(rows[shown]):
        body = grid(view, rows[shown], captions=captions, outlines=colour, size=160, picked=picked, tab_stops=tab_stops)
    else:
        body = f'<p class="comus-none">{"No more on this page." if len(rows) else "None."}</p>'
    return (
        f'<section class="comus-side" style="--side:{colour}" data-side="{title.lower()}">'
        f"<h2>{title} <span>{words}</span></h2>{body}</section>"
    )

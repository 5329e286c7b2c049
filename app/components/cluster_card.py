"""A card a cluster: its name to be edited, and its core and filtered proposals side by side, nearest first."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app import state
from app.components.gallery import grid, paged
from app.palette import CORE, FILTERED
from comus_core.cluster_summary import ClusterSummary
from comus_core.errors import ComusError
from comus_core.run_view import RunView
from comus_core.types import IntArray

PREVIEW = 12  # crops a side of a card
WHOLE_PAGE = 48  # crops a side of a cluster shown alone
STYLE = Path(__file__).with_suffix(".css")


def show(view: RunView, summary: ClusterSummary, colour: str, farthest_first: bool = False) -> None:
    """Draw the card of a cluster among others; its crops lead to photographs, its link to the cluster alone."""
    with st.container(border=True, key=f"card_{summary.cluster}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{summary.cluster}"):
            heading(view, summary, colour)
            address = "clusters?" + html.escape(urlencode({"run": view.run.id, "cluster": summary.cluster}))
            st.html(
                f'<div class="comus-line">{_facts(summary)}<a class="comus-link" href="{address}">See all</a></div>'
            )
        st.html(_sides(view, summary, slice(0, PREVIEW), farthest_first))


def alone(view: RunView, summary: ClusterSummary, colour: str, farthest_first: bool = False) -> None:
    """Draw one cluster whole, its two sides turned together."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"head_{summary.cluster}"):
        heading(view, summary, colour)
        st.html(f'<div class="comus-line">{_facts(summary)}</div>')
    longest = max(len(summary.core), len(summary.filtered))
    turned = paged(longest, key=f"cluster-{view.run.id}-{summary.cluster}", page_size=WHOLE_PAGE)
    st.html(_sides(view, summary, turned, farthest_first, whole=True))


def heading(view: RunView, summary: ClusterSummary, colour: str) -> None:
    """The cluster's colour and its name, which is renamed by typing over it."""
    st.html(
        f'<div class="comus-dot-cell"><span class="comus-dot" style="--dot:{colour}"></span></div>', width="content"
    )
    key = state.put(f"name_{summary.cluster}", summary.name)
    st.text_input(
        f"Name of cluster {summary.cluster}",
        key=key,
        on_change=state.on_change(key, lambda name: rename(view, summary, name)),
        label_visibility="collapsed",
        placeholder=f"cluster {summary.cluster}",
        max_chars=60,
        width=240,
        autocomplete="off",
    )


def rename(view: RunView, summary: ClusterSummary, name: str) -> None:
    """Write a name to the log of decisions; an empty one gives the cluster its number back."""
    wanted = (name or "").strip() or f"cluster {summary.cluster}"
    if wanted == summary.name:
        return
    clustering = view.run.artifacts["clustering"]
    try:
        view.workspace.decisions.append(view.run.id, clustering, "rename", cluster=summary.cluster, name=wanted)
    except ComusError as fault:
        st.toast(str(fault), icon=":material/error:")
    else:
        st.toast(f"Renamed: {wanted}", icon=":material/check:")


def _facts(summary: ClusterSummary) -> str:
    words = [f"<span>{summary.size:,} proposals</span>"]
    if summary.match is not None:
        found = summary.match.class_name
        share = f" ({summary.match.purity:.0f} % of its pixels)" if found else ""
        words.append(f"<span>stands for <b>{html.escape(found or 'no class')}</b>{share}</span>")
    return "".join(words)


def _sides(view: RunView, summary: ClusterSummary, shown: slice, farthest_first: bool, whole: bool = False) -> str:
    step = -1 if farthest_first else 1
    core = _side(view, "Core", CORE, summary.core[::step], shown, f"{len(summary.core):,} kept")
    words = f"{len(summary.filtered):,} dropped at {summary.percent:g} %"
    dropped = _side(view, "Filtered", FILTERED, summary.filtered[::step], shown, words)
    return f'<div class="comus-sides{" comus-whole" if whole else ""}">{core}{dropped}</div>'


def _side(view: RunView, title: str, colour: str, rows: IntArray, shown: slice, words: str) -> str:
    captions = [f"{view.distance[row]:.3f}" for row in rows[shown]]
    if len(rows[shown]):
        body = grid(view, rows[shown], captions=captions, outlines=colour, size=160)
    else:
        body = f'<p class="comus-none">{"No more on this page." if len(rows) else "None."}</p>'
    return (
        f'<section class="comus-side" style="--side:{colour}" data-side="{title.lower()}">'
        f"<h4>{title} <span>{words}</span></h4>{body}</section>"
    )

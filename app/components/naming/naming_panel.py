"""One cluster to be named: how far one is, the field, what is known of the cluster, its crops."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from app.components.naming import naming_actions, naming_keys
from app.components.shared import fields
from app.components.shared.gallery import grid
from app.data import naming as naming_data
from app.data import urls
from app.data.palette import CORE
from app.data.plain_text import plain
from comus_core.curation import naming
from comus_core.runs.run_view import RunView
from comus_core.scoring.cluster_summary import ClusterSummary
from comus_core.text import counted
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions

STYLE = Path(__file__).with_name("naming.css")
SIZE = 320  # pixels of a crop
LONGEST = 60  # letters that the field takes


def head(view: RunView, decided: Decisions, order: Sequence[int], cluster: int) -> None:
    """How many clusters have a name, and the buttons that the keys press."""
    progress, rejected = naming.naming_progress(order, decided), len(decided.layout.rejected)
    words = progress.words + (f", {rejected:,} rejected" if rejected else "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="naming_head"):
        st.progress(progress.share, text=words, width=180)
        _step("Previous", "naming_previous", "arrow_back", "Previous cluster (p, ←)", order, cluster, -1)
        _step("Next", "naming_next", "arrow_forward", "Next cluster (n, →)", order, cluster, 1)
        st.button(
            "Next unnamed",
            key=f"naming_next_unnamed-of-{cluster}",
            icon=":material/keyboard_return:",
            help="Go to the next cluster without a name (Enter)",
            disabled=progress.named == progress.total,
            on_click=partial(naming_actions.go_on, view, cluster),
        )
        st.button(
            "Reject",
            key=f"naming_reject-of-{cluster}",  # pressed twice, it is not that of the next one
            icon=":material/block:",
            help="Count the cluster as background, and leave it out of training (r)",
            disabled=view.run.read_only,
            on_click=naming_actions.reject,
            args=(view, decided, order, cluster),
        )
        naming_keys.help_button()
        naming_actions.way_back(view, decided.version)  # last: the label is long, and of another length each time


def field(
    view: RunView, decided: Decisions, order: Sequence[int], summary: ClusterSummary, ahead: Sequence[str]
) -> None:
    """The field for the name with its suggestions, and whether the name is saved."""
    cluster, label = summary.cluster, f"Name of cluster {summary.cluster}"
    name = decided.names.get(cluster, "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="naming_line"):
        fields.text(
            label,
            "naming_name",
            name,
            partial(naming_actions.save, view, decided.version, cluster),
            about=f"{view.run.id} {cluster}",
            label_visibility="collapsed",
            placeholder=f"Name of {decided.own_name_of(cluster)}",
            max_chars=LONGEST,
            width=420,
            autocomplete="off",
            disabled=view.run.read_only,
        )
        st.html(_saved(view, decided, cluster), width="content")
    taken = naming.distinct_names(decided.names[k] for k in order if k != cluster and k in decided.names)
    suggested = naming_data.suggestions(view, decided)
    turn = naming_actions.turn()
    naming_keys.listen(label=label, saved=name, turn=turn, names=suggested, taken=taken, ahead=ahead)
    naming_actions.offer(view, decided, order, cluster)


def title(decided: Decisions, order: Sequence[int], summaries: list[ClusterSummary], at: int, colour: str) -> None:
    """Which cluster it is, its size and how tight it is; `at` is its place in `summaries`."""
    summary = summaries[at]
    rank = naming_data.tightness_rank(summaries, summary.cluster)
    place = f"{order.index(summary.cluster) + 1:,} of {len(order):,}"
    facts = {place: "Its place by size", counted(summary.size, "proposal"): "Its size"}
    facts[f"{len(summary.core):,} in the core"] = "What the filter keeps"
    if not math.isnan(summary.spread):
        words = f"Mean distance to the centre; smaller is tighter. It is number {rank:,} of {len(order):,}"
        facts[f"tightness {summary.spread:.3f} (number {rank:,})"] = words
    if not math.isnan(summary.uncertainty):
        facts[f"uncertainty {summary.uncertainty:.2f}"] = "Mean of 1 − silhouette; above 1, another cluster is closer"
    own_name = html.escape(decided.own_name_of(summary.cluster))
    spans = "".join(f'<span title="{html.escape(why)}">{html.escape(fact)}</span>' for fact, why in facts.items())
    st.html(
        f'<div class="comus-naming-title" data-cluster="{summary.cluster}"><h2>'
        f'<span class="comus-dot" style="--dot:{colour}"></span>{own_name}</h2>'
        f"{spans}</div>"
    )


def crops(view: RunView, summary: ClusterSummary) -> None:
    """The crops to name it by, and those that fit least."""
    rows = naming_data.crops_to_name(summary)
    near = _section(view, "Most typical", "nearest the centre", rows.near, CORE, "comus-near-centre")
    words = "last of the core" if len(rows.border) else "none: the core is small"
    border = _section(view, "Least certain", words, rows.border, CORE, "comus-border")
    st.html(f'<div class="comus-to-name">{near}{border}</div>')


def addresses(view: RunView, summary: ClusterSummary | None) -> list[str]:
    """The addresses of the crops of a cluster, as `crops` draws them."""
    if summary is None:
        return []
    rows = naming_data.crops_to_name(summary)
    return [urls.crop(view, int(row), SIZE, outline=CORE) for side in (rows.near, rows.border) for row in side]


def _section(view: RunView, heading: str, words: str, rows: IntArray, colour: str, name: str) -> str:
    body = grid(view, rows, outlines=colour, size=SIZE)
    return f'<section class="{name}" style="--side:{colour}"><h3>{heading} <span>{words}</span></h3>{body}</section>'


def _step(label: str, key: str, icon: str, words: str, order: Sequence[int], cluster: int, by: int) -> None:
    target = naming.neighbour(order, cluster, by)
    st.button(
        label,
        key=f"{key}-of-{cluster}",
        icon=f":material/{icon}:",
        help=words,
        disabled=target is None,
        on_click=partial(naming_actions.open_one, target) if target is not None else None,
    )


def _saved(view: RunView, decided: Decisions, cluster: int) -> str:
    """Whether this cluster's name is saved; of one without a name, which was saved last."""
    if cluster in decided.names:
        return '<p class="comus-saved" role="status" data-state="saved">✓ Saved</p>'
    last = naming_actions.last_saved(view)
    words = "No name yet"
    if last in decided.names:
        words = f"✓ Saved: {html.escape(decided.names[last])} is cluster {last}"
        return f'<p class="comus-saved" role="status" data-state="saved">{words}</p>'
    return f'<p class="comus-saved" role="status" data-state="none">{words}</p>'


def finished(decided: Decisions, order: Sequence[int]) -> None:
    """A line when every cluster has a name."""
    if all(k in decided.names for k in order):
        st.success(
            f"All {counted(len(order), 'cluster')} have a name: {plain(_listed(decided, order))}",
            icon=":material/check_circle:",
        )


def _listed(decided: Decisions, order: Sequence[int]) -> str:
    names = naming.distinct_names(decided.names[k] for k in order)
    return ", ".join(names[:12]) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")

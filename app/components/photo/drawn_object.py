"""The facts of the open drawn object."""

from __future__ import annotations

import html
from urllib.parse import urlencode

import streamlit as st

from app.data import urls
from app.data.colouring import category_colours
from app.data.palette import UNASSIGNED
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def show(view: RunView, name: str, decided: Decisions) -> None:
    """Draw the facts of a drawn object."""
    drawn = view.drawn(decided)
    row = drawn.row_of[name]
    category, area = int(drawn.category[row]), int(drawn.proposals.area[row])
    ids = view.categories(decided).ids
    colour = category_colours(ids)[category] if category >= 0 else UNASSIGNED
    if category >= 0:
        address = "clusters?" + urlencode({"run": view.run.id, "cluster": ids[category]})
        words = html.escape(decided.name_of(ids[category]))
        cluster = f'<i style="background:{colour}"></i><a class="comus-link" href="{html.escape(address)}">{words}</a>'
    else:
        cluster = "erased: its pixels are background" if drawn.erased[row] else "in no category, so background"
    lines = [
        ("Cluster", cluster),
        ("Filter", "Always kept: a drawn object has no feature to rank it by." if category >= 0 else "–"),
        ("Area", f"{area:,} pixels"),
        ("Mask", f"drawn as a new object{_origin(str(drawn.parent[row]))}"),
    ]
    listed = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in lines)
    shown, crop = html.escape(name), html.escape(urls.drawn_crop(view, decided, name, 160, outline=colour))
    image = f'<img src="{crop}" width="112" height="112" alt="Drawn object {shown}">' if area else "<span></span>"
    kept = str(category >= 0).lower()
    st.html(f'<div class="comus-proposal" data-proposal="{shown}" data-kept="{kept}">{image}<dl>{listed}</dl></div>')


def _origin(parent: str) -> str:
    return f", taken out of {html.escape(parent)}" if parent else ""

"""The open drawn object: its category, what can be done with it, and its facts."""

from __future__ import annotations

import html
from functools import partial
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from app import state
from app.components.photo.draw_button import draw_button
from app.components.shared import choices, fields, selection_bar
from app.components.shared.deciding import act
from app.data import urls
from app.data.colouring import category_colours
from app.data.palette import UNASSIGNED
from comus_core import curation
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

NO_CATEGORY = -1


def show(view: RunView, name: str, decided: Decisions) -> None:
    """Draw the buttons and the facts of a drawn object."""
    _buttons(view, name, decided)
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


def _buttons(view: RunView, name: str, decided: Decisions) -> None:
    drawn, version = view.drawn(decided), decided.version
    row = drawn.row_of[name]
    there, left = not drawn.erased[row], int(drawn.proposals.area[row]) > 0
    image_id, none = str(drawn.proposals.image_id[row]), np.array([], np.int64)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="mask_judgement"):
        _category(view, name, decided)
        if there:
            st.button(
                "Erase",
                key="judgement_erase",
                icon=":material/ink_eraser:",
                help="Not an object: its pixels are background, in training too (Shift+E)",
                disabled=view.run.read_only,
                on_click=lambda: act(view, f"Erased {name}", version, partial(curation.erase, view, [name])),
            )
        else:
            st.button(
                "Restore",
                key="judgement_put_back",
                icon=":material/settings_backup_restore:",
                help="Bring it back to its category (Shift+B)",
                disabled=view.run.read_only or not left,
                on_click=lambda: act(view, f"Restored {name}", version, partial(curation.put_back, view, [name])),
            )
        st.button(
            "Repair mask",
            key="repair_mask",
            icon=":material/brush:",
            help="Draw on the mask, or take a part of it out as a new object",
            shortcut="m",
            disabled=view.run.read_only,
            on_click=partial(state.set_parameter, state.REPAIR, name),
        )
    selection_bar.show(view, decided, none, key="judgement", images=[image_id], with_download=False)
    draw_button(view, image_id)


def _category(view: RunView, name: str, decided: Decisions) -> None:
    """The list in which another category can be chosen; choosing one moves it there."""
    drawn = view.drawn(decided)
    row = drawn.row_of[name]
    ids = view.categories(decided).ids
    now = int(drawn.id_of[row]) if drawn.category[row] >= 0 else NO_CATEGORY
    words = choices.distinct({NO_CATEGORY: "no category"} | {k: decided.name_of(k) for k in ids})

    def move(category: int) -> None:
        where = "no category" if category == NO_CATEGORY else decided.name_of(category)
        target = None if category == NO_CATEGORY else category
        act(view, f"Moved {name} to {where}", decided.version, partial(curation.move, view, [name], target))

    fields.choice(
        "Category of the object",
        "object_category",
        now,
        list(words),
        move,
        format_func=words.__getitem__,
        label_visibility="collapsed",
        width=200,
        disabled=view.run.read_only,
    )


def _origin(parent: str) -> str:
    return f", taken out of {html.escape(parent)}" if parent else ""

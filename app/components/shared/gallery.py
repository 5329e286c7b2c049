"""A grid of crops: one HTML element, crops fetched as they come into view, each a link to its image."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from app import state
from app.components.shared import fields
from app.data import urls
from app.data.colouring import category_colours
from app.data.palette import UNASSIGNED
from comus_core.runs.run_view import RunView
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions

PAGE_SIZE = 60


def gallery(
    view: RunView,
    rows: Sequence[int] | IntArray,
    *,
    captions: Sequence[str] | None = None,
    outlines: Sequence[str] | str | None = None,
    size: int = 160,
    key: str,
) -> None:
    """Show the crops of some proposals: `grid` under its own key."""
    with st.container(key=key):
        st.html(grid(view, rows, captions=captions, outlines=outlines, size=size))


def grid(
    view: RunView,
    rows: Sequence[int] | IntArray,
    *,
    captions: Sequence[str] | None = None,
    outlines: Sequence[str] | str | None = None,
    size: int = 160,
    picked: Collection[str] | None = None,
    tab_stops: bool = True,
) -> str:
    """The HTML of a grid of crops.

    Args:
        view: the run.
        rows: rows of the proposals, in the order shown.
        captions: a short plain text below each; None shows none.
        outlines: a colour `#rrggbb` for all, or one for each; None draws a white outline and no frame. One
            for each is a frame round a white outline, so that recolouring fetches no crop again.
        size: one of `urls.CROP_SIZES`.
        picked: ids of the objects whose crops are selected; None draws no mark to select a crop by (`cluster_keys`).
        tab_stops: whether the Tab key stops at those marks, where they are not too many.
    """
    texts = captions or [""] * len(rows)
    colours = [outlines] * len(rows) if outlines is None or isinstance(outlines, str) else list(outlines)
    ink = outlines if isinstance(outlines, str) else None
    figures = [
        _figure(view, int(row), caption, colour, ink, size, picked, tab_stops)
        for row, caption, colour in zip(rows, texts, colours, strict=True)
    ]
    return f'<div class="comus-gallery" style="--cell:{size}px">{"".join(figures)}</div>'


def drawn_grid(
    view: RunView,
    decided: Decisions,
    names: Sequence[str],
    *,
    captions: Sequence[str],
    outlines: Sequence[str] | str,
    size: int = 160,
    picked: Collection[str] | None = None,
    tab_stops: bool = True,
) -> str:
    """The HTML of a grid of drawn objects, by their ids; see `grid`. Their rows follow those of all proposals."""
    colours = [outlines] * len(names) if isinstance(outlines, str) else list(outlines)
    row_of, first = view.drawn(decided).row_of, len(view)
    sources = [urls.drawn_crop(view, decided, name, size) for name in names]
    figures = [
        _linked(view, name, first + row_of[name], caption, colour, source, size, _mark(name, picked, tab_stops))
        for name, caption, colour, source in zip(names, captions, colours, sources, strict=True)
    ]
    return f'<div class="comus-gallery" style="--cell:{size}px">{"".join(figures)}</div>'


def drawn_gallery(
    view: RunView, decided: Decisions, rows: Sequence[int] | IntArray, title: str = "", *, size: int, key: str
) -> None:
    """Show the drawn objects `rows` of `view.drawn(decided)` in the colours of their categories, under a title.

    Those of which nothing is left have no crop.
    """
    objects, ids = view.drawn(decided), view.categories(decided).ids
    left, palette = [int(row) for row in rows if objects.proposals.area[row]], category_colours(ids)
    if not left:
        return
    numbers = [int(objects.category[row]) for row in left]
    words = [decided.name_of(ids[k]) if k >= 0 else "no category" for k in numbers]
    captions = ["erased" if objects.erased[row] else name for row, name in zip(left, words, strict=True)]
    frames = [palette[k] if k >= 0 else UNASSIGNED for k in numbers]
    shown = [str(objects.ids[row]) for row in left]
    if title:
        st.markdown(f"**{title}**")
    with st.container(key=key):
        st.html(drawn_grid(view, decided, shown, captions=captions, outlines=frames, size=size))


def paged(count: int, *, key: str, page_size: int = PAGE_SIZE) -> slice:
    """The paging control of a list of `count`; returns the slice of the page turned to."""
    pages = max(1, -(-count // page_size))
    number = min(state.page_number(key), pages)
    if pages > 1:
        widget = f"{key}-of-{pages}"  # a list of another length is another control
        number = fields.page_of(pages, widget, number, partial(state.set_page_number, key))
    return slice((number - 1) * page_size, number * page_size)


def image_link(view: RunView, proposal_id: str) -> str:
    """The address of the image page at a proposal."""
    return "image?" + urlencode({"run": view.run.id, "proposal": proposal_id})


def _figure(
    view: RunView,
    row: int,
    caption: str,
    colour: str | None,
    ink: str | None,
    size: int,
    picked: Collection[str] | None,
    tab_stops: bool,
) -> str:
    source = urls.crop(view, row, size, outline=ink or True)
    proposal_id = str(view.proposals.proposal_id[row])
    return _linked(view, proposal_id, row, caption, colour, source, size, _mark(proposal_id, picked, tab_stops))


def _linked(
    view: RunView,
    proposal_id: str,
    row: int,
    caption: str,
    colour: str | None,
    source: str,
    size: int,
    mark: str,
) -> str:
    alt = f"{proposal_id}, {caption}" if caption else proposal_id
    frame = f' style="--frame:{colour}"' if colour else ""
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return (
        f'<figure{frame}><a href="{html.escape(image_link(view, proposal_id))}" class="comus-link" '
        f'data-proposal="{html.escape(proposal_id)}" data-row="{row}" title="{html.escape(alt)}">'
        f'<img src="{html.escape(source)}" loading="lazy" width="{size}" height="{size}" alt="{html.escape(alt)}"></a>'
        f"{below}{mark}</figure>"
    )


def _mark(proposal_id: str, picked: Collection[str] | None, tab_stops: bool) -> str:
    if picked is None:
        return ""
    stop = "" if tab_stops else ' tabindex="-1"'
    name, pressed = html.escape(proposal_id), str(proposal_id in picked).lower()
    mark = f'class="comus-pick" data-pick="{name}" aria-pressed="{pressed}" title="Select {name}"'
    return f'<button type="button"{stop} {mark}></button>'

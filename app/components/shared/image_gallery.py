"""A grid of photographs, each with a few words below and a link to its page."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st

from app.data import urls
from app.data.run_cache import rounds_of, view_of
from comus_core.runs.run_round import RunRound
from comus_core.workspace import Workspace


@dataclass(frozen=True)
class Photograph:
    """A photograph to show; `link` is of a page of the app, or None for the picture itself."""

    image_id: str
    url: str
    link: str | None
    full_url: str


def photographs(workspace: Workspace, one: RunRound, image_ids: Sequence[str]) -> list[Photograph]:
    """Photographs of the data set that a round has masks of: the run's own have a page."""
    view = view_of(one.run)
    if all(image_id in view.image_row_of for image_id in image_ids):
        rows = [view.image_row_of[image_id] for image_id in image_ids]
        links = ["image?" + urlencode({"run": view.run.id, "image": image_id}) for image_id in image_ids]
        return [
            Photograph(image_id, urls.image(view, row, 480), link, urls.image(view, row))
            for image_id, row, link in zip(image_ids, rows, links, strict=True)
        ]
    assert one.training is not None, "clusters are of the run's own images"
    rounds = rounds_of(one.training)
    rows = [rounds.image_ids.index(image_id) for image_id in image_ids]
    return [
        Photograph(
            *(image_id, urls.round_picture(rounds, "photograph", row, 480), None),
            urls.round_picture(rounds, "photograph", row),
        )
        for image_id, row in zip(image_ids, rows, strict=True)
    ]


def show(found: Sequence[Photograph], captions: Sequence[str], *, key: str, cell: int = 200) -> None:
    """Draw the grid under a key of its own."""
    with st.container(key=key):
        figures = "".join(_figure(photo, caption) for photo, caption in zip(found, captions, strict=True))
        st.html(f'<div class="comus-gallery" style="--cell:{cell}px">{figures}</div>')


def _figure(photo: Photograph, caption: str) -> str:
    name = html.escape(photo.image_id)
    way = (
        f'href="{html.escape(photo.link)}" class="comus-link"'
        if photo.link
        else f'href="{html.escape(photo.full_url)}" target="_blank" rel="noopener"'
    )
    return (
        f'<figure><a {way} data-image="{name}" title="{name}"><img src="{html.escape(photo.url)}" loading="lazy" '
        f'width="240" height="240" alt="{name}, {html.escape(caption)}"></a>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )

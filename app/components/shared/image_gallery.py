"""A grid of images, each with a caption and a link to its page."""

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
class ImageLink:
    """An image to show; `link` is of a page of the app, or None for the image file itself."""

    image_id: str
    url: str
    link: str | None
    full_url: str


def images_of(workspace: Workspace, one: RunRound, image_ids: Sequence[str]) -> list[ImageLink]:
    """Images of the data set that a round has masks of: the run's own have a page."""
    view = view_of(one.run)
    if all(image_id in view.image_row_of for image_id in image_ids):
        rows = [view.image_row_of[image_id] for image_id in image_ids]
        links = ["image?" + urlencode({"run": view.run.id, "image": image_id}) for image_id in image_ids]
        return [
            ImageLink(image_id, urls.image(view, row, 480), link, urls.image(view, row))
            for image_id, row, link in zip(image_ids, rows, links, strict=True)
        ]
    assert one.training is not None, "clusters cover the run's own images alone"
    rounds = rounds_of(one.training)
    rows = [rounds.image_ids.index(image_id) for image_id in image_ids]
    return [
        ImageLink(
            *(image_id, urls.round_picture(rounds, "image", row, 480), None),
            urls.round_picture(rounds, "image", row),
        )
        for image_id, row in zip(image_ids, rows, strict=True)
    ]


def show(images: Sequence[ImageLink], captions: Sequence[str], *, key: str, cell: int = 200) -> None:
    """Draw the grid under its own key."""
    with st.container(key=key):
        figures = "".join(_figure(image, caption) for image, caption in zip(images, captions, strict=True))
        st.html(f'<div class="comus-gallery" style="--cell:{cell}px">{figures}</div>')


def _figure(image: ImageLink, caption: str) -> str:
    name = html.escape(image.image_id)
    target = (
        f'href="{html.escape(image.link)}" class="comus-link"'
        if image.link
        else f'href="{html.escape(image.full_url)}" target="_blank" rel="noopener"'
    )
    return (
        f'<figure><a {target} data-image="{name}" title="{name}"><img src="{html.escape(image.url)}" loading="lazy" '
        f'width="240" height="240" alt="{name}, {html.escape(caption)}"></a>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )

"""The example images of a training: image, pseudo-mask, and what the network predicted, preview by preview."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app.components.shared import page_data
from app.data import urls
from comus_core.runs.run_view import RunView
from comus_core.runs.training_previews import previewed_images
from comus_core.workspace.trainings import Preview, Training

STYLE = Path(__file__).with_suffix(".css")
MOST = 6  # previews shown: the first, the latest, and some between


def show(view: RunView, training_id: str) -> None:
    """Draw the strip; nothing before the first preview."""
    table = page_data.workspace().trainings
    training = table.get(training_id)
    previews = table.previews(training)
    if not previews:
        return
    st.markdown("**Examples during training**")
    st.html(strip(view, training, previews))


def strip(view: RunView, training: Training, previews: Sequence[Preview]) -> str:
    """The HTML of a row an example: image, pseudo-mask, predictions."""
    shown = chosen(previews)
    images = [i for i in previewed_images(view.workspace, shown[-1].network) if i in view.image_row_of]
    heads = ["Image", "Pseudo-mask", *(_words(preview) for preview in shown)]
    cells = "".join(f"<b>{head}</b>" for head in heads)
    for image_id in images:
        row = view.image_row_of[image_id]
        layers = [(urls.learned(view, row, training.artifacts["labels-1"]), "pseudo-mask")]
        layers += [(urls.preview(view, row, p.network, p.step), f"round {p.round}, step {p.step}") for p in shown]
        cells += _photograph(view, row, image_id)
        cells += "".join(_masked(view, row, url, f"{words} of {image_id}") for url, words in layers)
    label = "Example images: image, pseudo-mask, and predictions during training"
    return (
        f'<div class="comus-strip" role="region" aria-label="{label}" tabindex="0">'
        f'<div style="--columns:{len(heads)}">{cells}</div></div>'
    )


def chosen(previews: Sequence[Preview], most: int = MOST) -> list[Preview]:
    """The first preview, the latest, and of those between evenly as many as there is room for."""
    if len(previews) <= most:
        return list(previews)
    return [previews[round(k * (len(previews) - 1) / (most - 1))] for k in range(most)]


def _words(preview: Preview) -> str:
    score = f"<i>{preview.miou:.1f} %</i>" if preview.miou is not None else ""
    return f"Round {preview.round}, step {preview.step:,} {score}"


def _photograph(view: RunView, row: int, image_id: str) -> str:
    address = html.escape("image?" + urlencode({"run": view.run.id, "image": image_id}))
    alt = html.escape(f"Image {image_id}")
    source = html.escape(urls.image(view, row, 480))
    return f'<a class="comus-link" href="{address}" title="{alt}"><img src="{source}" alt="{alt}" loading="lazy"></a>'


def _masked(view: RunView, row: int, layer: str, words: str) -> str:
    source = html.escape(urls.image(view, row, 480))
    return (
        f'<span><img src="{source}" alt="" loading="lazy">'
        f'<img class="layer" src="{html.escape(layer)}" alt="{html.escape(words)}"></span>'
    )

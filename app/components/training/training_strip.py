"""The example images of a training: photograph, pseudo-mask, and what the network made of them, look by look."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from app.components.shared import page_data
from app.data import urls
from comus_core.runs.run_view import RunView
from comus_core.runs.training_previews import look_images
from comus_core.workspace.trainings import Look, Training

STYLE = Path(__file__).with_suffix(".css")
MOST = 6  # looks shown: the first, the latest, and some between


def show(view: RunView, training_id: str) -> None:
    """Draw the strip; nothing before the first look."""
    table = page_data.workspace().trainings
    training = table.get(training_id)
    looks = table.looks(training)
    if not looks:
        return
    st.markdown("**Examples, look by look**")
    st.html(strip(view, training, looks))


def strip(view: RunView, training: Training, looks: Sequence[Look]) -> str:
    """The HTML of a row an example: photograph, pseudo-mask, predictions."""
    shown = chosen(looks)
    images = [i for i in look_images(view.workspace, shown[-1].network) if i in view.image_row_of]
    heads = ["Photograph", "Pseudo-mask", *(_words(look) for look in shown)]
    cells = "".join(f"<b>{head}</b>" for head in heads)
    for image_id in images:
        row = view.image_row_of[image_id]
        layers = [(urls.learned(view, row, training.artifacts["labels-1"]), "pseudo-mask")]
        layers += [
            (urls.look(view, row, look.network, look.step), f"round {look.round}, step {look.step}") for look in shown
        ]
        cells += _photograph(view, row, image_id)
        cells += "".join(_masked(view, row, url, f"{words} of {image_id}") for url, words in layers)
    label = "Example images, from the photograph to the latest prediction"
    return (
        f'<div class="comus-strip" role="region" aria-label="{label}" tabindex="0">'
        f'<div style="--columns:{len(heads)}">{cells}</div></div>'
    )


def chosen(looks: Sequence[Look], most: int = MOST) -> list[Look]:
    """The first look, the latest, and of those between evenly as many as there is room for."""
    if len(looks) <= most:
        return list(looks)
    return [looks[round(k * (len(looks) - 1) / (most - 1))] for k in range(most)]


def _words(look: Look) -> str:
    score = f"<i>{look.miou:.1f} %</i>" if look.miou is not None else ""
    return f"Round {look.round}, step {look.step:,} {score}"


def _photograph(view: RunView, row: int, image_id: str) -> str:
    address = html.escape("image?" + urlencode({"run": view.run.id, "image": image_id}))
    alt = html.escape(f"Photograph {image_id}")
    source = html.escape(urls.image(view, row, 480))
    return f'<a class="comus-link" href="{address}" title="{alt}"><img src="{source}" alt="{alt}" loading="lazy"></a>'


def _masked(view: RunView, row: int, layer: str, words: str) -> str:
    source = html.escape(urls.image(view, row, 480))
    return (
        f'<span><img src="{source}" alt="" loading="lazy">'
        f'<img class="layer" src="{html.escape(layer)}" alt="{html.escape(words)}"></span>'
    )

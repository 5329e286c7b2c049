"""A prediction: its images with masks, names and confidence; one of them large; the download."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from app import state
from app.components.photo import Layer, photo
from app.components.photo.photograph import PAGE_SIZE
from app.components.shared import badge, choices, notices, page_data, states
from app.components.shared.gallery import paged
from app.data.colouring import category_colours
from app.data.plain_text import plain
from app.forms.predict_form import ROUND_WORDS
from app.server.prediction_routes import image_url, mask_url
from comus_core.datasets.ignored_files import ignored_lines
from comus_core.errors import ComusError
from comus_core.pipelines.prediction_folder import StoredPrediction, delete_prediction, predictions_of, zipped
from comus_core.runs.run_view import RunView
from comus_core.text import counted

STYLE = Path(__file__).with_suffix(".css")
THUMBNAIL, PER_PAGE, MOST_NAMES = 480, 48, 4


def show(view: RunView) -> None:
    """Draw the prediction that the address names, else the newest, with a list of the others."""
    predictions = {prediction.name: prediction for prediction in predictions_of(view.workspace, view.run.id)}
    if not predictions:
        states.empty(
            "No prediction yet",
            "Upload images to get their masks, with the name and confidence of each category.",
            "add_photo_alternate",
        )
        return
    name = state.parameters().get("prediction", "")
    prediction = predictions[name] if name in predictions else _chosen(predictions)
    try:
        _head(view, prediction)
        _listed("skipped", [(s["path"], s["reason"]) for s in prediction.result["skipped_files"]])
        for line in ignored_lines(prediction.result.get("passed_over", ())):
            st.caption(plain(f"{line[0].upper()}{line[1:]}."))
        _listed("read with a note", [(n["path"], n["note"]) for n in prediction.result.get("notes", ())])
        _images(prediction)
    except ComusError as fault:
        states.error(fault)


def chips(categories: Sequence[Mapping[str, Any]], most: int | None = None) -> str:
    """HTML of the categories in an image, largest first, each with its colour and confidence."""
    if not categories:
        return '<span class="comus-chip">no category found</span>'
    colours = category_colours([int(f["category"]) for f in categories])
    parts = [
        f'<span class="comus-chip"><i style="background:{colour}"></i>{html.escape(str(f["name"]))} '
        f"<b>{100 * float(f['confidence']):.0f} %</b></span>"
        for f, colour in zip(categories[:most], colours, strict=False)
    ]
    return "".join(parts) + (
        f'<span class="comus-chip">+{len(categories) - most}</span>' if most and len(categories) > most else ""
    )


def _chosen(predictions: Mapping[str, StoredPrediction]) -> StoredPrediction:
    """The one chosen in the list; the newest as soon as there is a new one."""
    if state.setting("prediction_newest", "") != next(iter(predictions)):
        state.set_setting("prediction_newest", next(iter(predictions)))
        state.set_setting("prediction_chosen", next(iter(predictions)))
    if len(predictions) == 1:
        return next(iter(predictions.values()))
    return predictions[
        choices.selected("Prediction", {k: _words(p) for k, p in predictions.items()}, key="prediction_chosen")
    ]


def _words(prediction: StoredPrediction) -> str:
    number, count = prediction.result["round"], len(prediction.result["predictions"])
    images = counted(count, "image")
    return f"{prediction.when:%Y-%m-%d %H:%M:%S} · {images} · {ROUND_WORDS.get(number, f'round {number}').lower()}"


def _head(view: RunView, prediction: StoredPrediction) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="prediction_head"):
        st.markdown(f"**{_words(prediction)}**", width="content")
        badge.show(prediction.result["supervision"])
        st.space("stretch")
        st.download_button(
            "Masks",
            lambda: zipped(prediction),
            f"{view.run.id}-{prediction.name}.zip",
            "application/zip",
            key="prediction_zip",
            icon=":material/download:",
            help="Zip of index masks (0 background, 1… the lines of classes.txt) and predictions.json",
            on_click="ignore",
        )
        st.button(
            "Delete",
            key="prediction_delete",
            icon=":material/delete:",
            help="Delete these images and their masks from the workspace",
            on_click=_delete,
            args=(view, prediction),
        )


def _delete(view: RunView, prediction: StoredPrediction) -> None:
    try:
        delete_prediction(page_data.workspace(), view.run.id, prediction.name)
    except ComusError as fault:
        notices.fault(fault)
    state.forget("prediction", "photo")


def _listed(outcome: str, files: Sequence[tuple[str, str]]) -> None:
    if not files:
        return
    title = f"{counted(len(files), 'file')} {'was' if len(files) == 1 else 'were'} {outcome}"
    with st.container(key=f"prediction_{outcome.replace(' ', '_')}"):
        listed = "".join(f"<li><b>{html.escape(path)}</b>: {html.escape(reason)}</li>" for path, reason in files)
        st.html(f'<div class="comus-set-aside"><span>{title}</span><ul>{listed}</ul></div>')


def _images(prediction: StoredPrediction) -> None:
    rows = prediction.result["predictions"]
    photo = state.parameters().get("photo", "")
    if photo.isdecimal() and int(photo) < len(rows):
        _large(prediction, int(photo))
    elif len(rows) == 1:
        _large(prediction, 0)
        return
    shown = range(len(rows))[paged(len(rows), key=f"prediction-{prediction.name}", page_size=PER_PAGE)]
    with st.container(key="prediction_gallery"):
        figures = "".join(_figure(prediction, row) for row in shown)
        st.html(f'<div class="comus-gallery comus-predicted" style="--cell:260px">{figures}</div>')


def _large(prediction: StoredPrediction, row: int) -> None:
    entry = prediction.result["predictions"][row]
    left, right = st.columns([3, 2], gap="large")
    with left:
        photo(
            key="prediction_photo",
            url=image_url(prediction, row, PAGE_SIZE),
            full_url=image_url(prediction, row),
            size_hw=(entry["height"], entry["width"]),
            alt=f"Image {entry['image']}",
            layers=[Layer("prediction", "Prediction", mask_url(prediction, row), shown=True, opacity=0.55)],
        )
    with right:
        st.html(f'<h2 class="comus-name">{html.escape(entry["image"])}</h2>')
        st.caption(f"{entry['width']} × {entry['height']} pixels")
        area = entry["width"] * entry["height"]
        lines = "".join(
            f"<li>{chips([category])}<span>{100 * category['pixels'] / area:.1f} % of the image</span></li>"
            for category in entry["found"]
        )
        st.html(f'<ul class="comus-found">{lines or f"<li>{chips([])}</li>"}</ul>')
        st.caption("Confidence is the mean over the pixels of the category.")


def _figure(prediction: StoredPrediction, row: int) -> str:
    entry = prediction.result["predictions"][row]
    address = "predict?" + urlencode({"run": prediction.result["run"], "prediction": prediction.name, "photo": row})
    words = ", ".join(f"{f['name']} {100 * f['confidence']:.0f} %" for f in entry["found"]) or "no category found"
    alt = html.escape(f"{entry['image']}: {words}")
    return (
        f'<figure><a href="{html.escape(address)}" class="comus-link" data-photo="{row}" title="{alt}">'
        f'<img src="{html.escape(image_url(prediction, row, THUMBNAIL))}" loading="lazy" alt="{alt}">'
        f'<img src="{html.escape(mask_url(prediction, row))}" loading="lazy" class="mask" alt=""></a>'
        f"<figcaption>{chips(entry['found'], MOST_NAMES)}</figcaption></figure>"
    )

"""The settings of a new run: every widget shows and changes one named value of the form."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from app import state
from app.components.shared import fields
from app.forms import run_form
from app.forms.run_form import Values
from comus_core.datasets.format import DatasetSummary
from comus_core.features.encoders import ENCODERS

FORM, DEVICE = "new_form", "new_device"
PRESETS = {"": "COMUS Explorer", "paper-voc": "Paper, VOC", "paper-coco": "Paper, COCO"}
CHANGED = "custom"
METHODS = {
    "spectral": "spectral",
    "kmeans": "k-means",
    "minibatch-kmeans": "mini-batch k-means",
    "hdbscan": "HDBSCAN",
    "leiden": "Leiden",
}
VECTORS = {"l2": "normalised", "raw": "raw (paper)"}
RESIZES = {"soft": "resize, then threshold", "binary": "threshold, then resize (paper)"}
RANKINGS = {"distance": "distance (paper)", "silhouette": "silhouette", "density": "density", "agreement": "agreement"}
TRUTH = {
    "truth.boxes": (
        "Objects without a mask (COCO)",
        {"auto": "automatic", "ignore": "ignore", "box": "use the box"},
    ),
    "truth.orientation": (
        "Masks of rotated images (EXIF)",
        {"auto": "by their size", "upright": "upright", "stored": "as stored"},
    ),
    "truth.groups": ("Empty supercategories (COCO)", {"auto": "leave out", "keep": "keep as classes"}),
}
MATCHINGS = {"auto": "automatic", "hungarian": "Hungarian", "majority": "majority"}


def show(seen: DatasetSummary | None) -> Values:
    """Draw the form; returns its values, and keeps them while the session lasts."""
    if seen is not None and not values()["truth.read"]:
        seen = replace(seen, labelled=False)
    _presets()
    _own_or_named("Saliency detector", "saliency.detector", run_form.detector_words(), "masks")
    _own_or_named("Encoder", "features.encoder", run_form.encoder_words(), "vectors")
    one, two, three = st.columns(3)
    with one:
        _clusters(seen)
    with two:
        _select("Clustering", "clustering.method", METHODS)
    with three:
        _select("Vectors", "clustering.features", VECTORS)
    one, two, three = st.columns(3)
    with one:
        text = "Share of each cluster left out of the pseudo-masks; can be changed later."
        fields.percent("Filter", help=text, **_bound("filter_percent"))
    with two:
        _number("Seed", "seed", least=0, most=2**32 - 1)
    with three:
        words = run_form.device_words()
        keep = partial(state.set_setting, DEVICE)
        fields.choice("Device", "new_device_choice", device(), list(words), keep, format_func=words.__getitem__)
    with st.expander("More settings", key="new_more"):
        _more()
    return values()


def values() -> Values:
    """The form's values now."""
    return dict(state.setting(FORM, run_form.preset_values(None)))


def fill(new: Values) -> None:
    """Put other values into the form."""
    state.set_setting(FORM, dict(new))


def device() -> str:
    """The device chosen."""
    name = str(state.setting(DEVICE, "auto"))
    return name if name in run_form.device_words() else "auto"


def _clusters(seen: DatasetSummary | None) -> None:
    """A number, nothing (from labels), or the number chosen by stability."""
    number = values()["clustering.clusters"]
    auto = run_form.is_auto(number, seen)
    words = "auto: the most stable number" if auto else run_form.cluster_words(seen)
    take = partial(_set, "clustering.clusters")
    fields.number(
        *("Clusters", _key("clustering.clusters"), None if auto else number, take),
        least=2,
        step=1,
        placeholder=words,
        disabled=auto,
    )
    text = "Resamples the proposals, clusters them with every number up to 100, and takes the largest stable number."
    fields.switch(
        "Choose by stability", "new_clusters_auto", auto, lambda on: take(run_form.number_instead(on, seen)), help=text
    )


def _presets() -> None:
    preset = run_form.preset_of(values())
    words = PRESETS if preset is not None else {**PRESETS, CHANGED: CHANGED}
    selected = CHANGED if preset is None else preset

    def take(name: str) -> None:
        if name in PRESETS:
            fill(run_form.preset_values(name or None))

    fields.choice("Start from", "new_preset", selected, list(words), take, format_func=words.__getitem__)


def _own_or_named(label: str, name: str, words: dict[str, str], what: str) -> None:
    """A choice among names, the last of them the user's own files, which need a path."""
    choice, path = run_form.parse_own(name, str(values()[name]))
    fields.choice(label, _key(name), choice, list(words), partial(_set, name), format_func=words.__getitem__)
    if choice.endswith(":"):
        hint = "a folder with one file per image" if what == "masks" else "Parquet or npz with proposal_id"
        label, field = f"Path of your {what} on the server", f"{_key(name)}_path"
        fields.text(label, field, path, lambda typed: _set(name, choice + typed.strip()), placeholder=hint)


def _more() -> None:
    one, two, three = st.columns(3)
    with one:
        text = "Pixels above this saliency become a proposal."
        limits: dict[str, Any] = {"least": 0.01, "most": 0.99, "step": 0.05}
        fields.number("Saliency threshold", help=text, **limits, **_bound("saliency.threshold"))
        _select("Masks", "saliency.resize", RESIZES)
    with two:
        _number("Minimum mask area (pixels)", "saliency.min_area", least=0)
        _number("Graph neighbours", "clustering.neighbours", least=2)
        text = "Clusters to start from, merged along the graph to the final number; 0: no merging."
        _number("Over-clusters", "clustering.over_clusters", least=0, help=text)
    with three:
        _number("k-means restarts", "clustering.n_init", least=1)
        _select("Matching", "matching", MATCHINGS)
        _select("Filter ranking", "filter_by", RANKINGS)
    fields.switch("Use ground truth if available", **_bound("truth.read"))
    if values()["truth.read"]:
        for column, (name, (label, words)) in zip(st.columns(3), TRUTH.items(), strict=True):
            with column:
                _select(label, name, words)
    if run_form.cuts_features(values()):
        _select("Encoder for ncut", "saliency.ncut_encoder", {n: n for n in ("auto", *ENCODERS)})


def _number(label: str, name: str, *, least: int, most: int | None = None, help: str | None = None) -> None:
    """A whole number."""
    fields.number(label, least=least, most=most, step=1, help=help, **_bound(name))


def _select(label: str, name: str, words: dict[str, str]) -> None:
    fields.choice(label, options=list(words), format_func=words.__getitem__, **_bound(name))


def _bound(name: str) -> dict[str, Any]:
    """What ties a widget to a value of the form."""
    return {"name": _key(name), "value": values()[name], "take": partial(_set, name)}


def _set(name: str, value: Any) -> None:
    fill({**values(), name: value})


def _key(name: str) -> str:
    return "new_" + name.replace(".", "_")

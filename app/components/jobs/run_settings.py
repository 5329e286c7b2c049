"""The settings of a new run: every widget shows and changes one named value of the form."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from app import state
from app.components.shared import fields
from app.forms import run_form, setting_help
from app.forms.run_form import Values
from comus_core.compute.place import place_words
from comus_core.config.clustering import LEAVE_NOISE, TWO_VIEWS
from comus_core.datasets.format import DatasetSummary
from comus_core.features.encoders import ENCODERS

FORM, DEVICE, COMPUTE = "new_form", "new_device", "new_compute"
PRESETS = {"": "COMUS Explorer", "paper-voc": "Paper, VOC", "paper-coco": "Paper, COCO"}
RESULTS = {"best": "Recommended", "paper": "As in the paper"}
CHANGED = "custom"
METHODS = {
    "spectral": "spectral",
    "consensus": "consensus",
    "umap": "UMAP, then k-means",
    "kmeans": "k-means",
    "minibatch-kmeans": "mini-batch k-means",
    "leiden": "Leiden (needs igraph)",
    "evoc": "EVōC (needs evoc)",
    "hdbscan": "HDBSCAN",
}
NUMBERS = {
    "stability": "stability",
    "silhouette": "silhouette after UMAP",
    "eigengap": "eigengap",
    "leiden": "Leiden",
    "evoc": "EVōC",
}
NOISE = {"keep": "in no category", "nearest": "with its nearest"}
VECTORS = {"l2": "normalised", "raw": "raw (paper)"}
RESIZES = {"soft": "resize, then threshold", "binary": "threshold, then resize (paper)"}
SPLITS = {
    "none": "one (paper)",
    "components": "connected parts",
    "peaks": "connected parts, divided at dips",
}
POOLS = {"crop": "its crop (paper)", "mask": "patches under its mask"}
PRECISIONS = {"float32": "float32", "bfloat16": "bfloat16", "fastest": "the fastest, timed here"} | {
    f"{name}-compiled": f"{name}, compiled" for name in ("float32", "bfloat16")
}
REFINES = {
    "none": "none (paper)",
    "guided": "guided filter",
    "bilateral": "bilateral solver",
    "crf": "dense CRF (needs pydensecrf2)",
}
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
    "truth.crowds": ("Crowds (COCO)", {"include": "as objects (paper)", "ignore": "ignore"}),
    "truth.overlaps": ("Overlapping objects (COCO)", {"first": "the first wins (paper)", "last": "the last wins"}),
}
MATCHINGS = {"auto": "automatic", "hungarian": "Hungarian", "counts": "Hungarian on pixels", "majority": "majority"}


def show(seen: DatasetSummary | None) -> Values:
    """Draw the two choices, and all other settings folded; returns the values, kept while the session lasts."""
    if seen is not None and not values()["truth.read"]:
        seen = replace(seen, labelled=False)
    _result(seen)
    _clusters(seen)
    with st.expander("Settings", icon=":material/tune:", key="new_settings"):
        _presets()
        _own_or_named("Saliency detector", "saliency.detector", run_form.detector_words())
        _own_or_named("Encoder", "features.encoder", run_form.encoder_words())
        _stability(seen)
        one, two = st.columns(2)
        with one:
            _select("Clustering", "clustering.method", METHODS)
        with two:
            _select("Vectors", "clustering.features", VECTORS)
        one, two, three, four = st.columns(4)
        with one:
            fields.percent("Filter", help=setting_help.words("filter_percent"), **_bound("filter_percent"))
        with two:
            _number("Seed", "seed", least=0, most=2**32 - 1)
        with three:
            words, text = (
                run_form.device_words(),
                "The processor that computes: the best one that is free, or this one.",
            )
            keep = partial(state.set_setting, DEVICE)
            fields.choice(
                *("Device", "new_device_choice", device(), list(words), keep),
                format_func=words.__getitem__,
                help=text,
            )
        with four:
            places = place_words()
            fields.choice(
                *("Workers", "new_compute_choice", compute(), list(places), partial(state.set_setting, COMPUTE)),
                format_func=places.__getitem__,
                help="Where the images are worked on. The results are the same.",
            )
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


def compute() -> str:
    """The place chosen, as `--compute` takes it."""
    text = str(state.setting(COMPUTE, "local"))
    return text if text in place_words() else "local"


def _result(seen: DatasetSummary | None) -> None:
    """What kind of result: the best that this machine can give, or one to compare with the paper."""
    kind = run_form.result_of(values()) or CHANGED
    words = RESULTS if kind in RESULTS else {**RESULTS, CHANGED: CHANGED.capitalize()}

    def take(new: str) -> None:
        if new in RESULTS:
            fill(run_form.preset_values(run_form.preset_of_result(new, seen)))

    fields.buttons(
        *("Result", "new_result", kind, list(words), take),
        format_func=words.__getitem__,
        help="Recommended: the settings that measured best. As in the paper: its settings and networks, to compare "
        "scores; they need its weights on this machine.",
    )


def _clusters(seen: DatasetSummary | None) -> None:
    """The number of categories: automatic, or one that is entered."""
    number = values()["clustering.clusters"]
    own, take = isinstance(number, int), partial(_set, "clustering.clusters")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="new_clusters"):
        fields.buttons(
            *("Number of categories", "new_clusters_kind", own, [False, True]),
            lambda given: take(run_form.own_number(seen) if given else None),
            format_func={False: "Automatic", True: "Own number"}.__getitem__,
            help=setting_help.words("clustering.clusters"),
        )
        fields.number(
            *("Number", _key("clustering.clusters"), number if own else None, take),
            least=2,
            step=1,
            placeholder=run_form.cluster_words(seen if number is None else None, by_stability=number == "auto"),
            disabled=not own,
            label_visibility="collapsed",
            width=240,
        )


def _stability(seen: DatasetSummary | None) -> None:
    """Whether stability chooses the number of categories, which it does by itself where no labels say how many."""
    auto, take = run_form.is_auto(values()["clustering.clusters"], seen), partial(_set, "clustering.clusters")
    text = "Resamples the proposals, clusters them with every number up to 100, and takes the largest stable number."
    fields.switch(
        "Choose the number of clusters by stability",
        "new_clusters_auto",
        auto,
        lambda on: take(run_form.number_instead(on, seen)),
        help=text,
    )


def _presets() -> None:
    preset = run_form.preset_of(values())
    words = PRESETS if preset is not None else {**PRESETS, CHANGED: CHANGED}
    selected = CHANGED if preset is None else preset

    def take(name: str) -> None:
        if name in PRESETS:
            fill(run_form.preset_values(name or None))

    fields.choice(
        *("Start from", "new_preset", selected, list(words), take),
        format_func=words.__getitem__,
        help="Fills all settings at once; each can be changed afterwards.",
    )


def _own_or_named(label: str, name: str, words: dict[str, str]) -> None:
    """A choice among names, the last of them the user's own files, which need a path, or any model of a library."""
    choice, path = run_form.parse_own(name, str(values()[name]))
    fields.choice(
        *(label, _key(name), choice, list(words), partial(_set, name)),
        format_func=words.__getitem__,
        help=setting_help.words(name),
    )
    if choice.endswith(":"):
        label, hint = run_form.PARTS[name][choice.removesuffix(":")].asks
        fields.text(
            label, f"{_key(name)}_path", path, lambda typed: _set(name, choice + typed.strip()), placeholder=hint
        )


def _more() -> None:
    one, two, three = st.columns(3)
    with one:
        limits: dict[str, Any] = {"least": 0.01, "most": 0.99, "step": 0.05}
        text = setting_help.words("saliency.threshold")
        fields.number("Saliency threshold", help=text, **limits, **_bound("saliency.threshold"))
        _select("Masks", "saliency.resize", RESIZES)
        _select("Refinement of soft maps", "saliency.refine", REFINES)
        _select("Objects of a soft map", "saliency.split", SPLITS)
    with two:
        _number("Minimum mask area (pixels)", "saliency.min_area", least=0)
        _number("Graph neighbours", "clustering.neighbours", least=2)
        _number("Over-clusters", "clustering.over_clusters", least=0)
        _select("Automatic number", "clustering.number_by", NUMBERS)
        _select("Features of an object", "features.pool", POOLS)
        _select("Precision of the encoder", "features.precision", PRECISIONS)
    with three:
        _number("k-means restarts", "clustering.n_init", least=1)
        _of_method()
        _select("Matching", "matching", MATCHINGS)
        _select("Filter ranking", "filter_by", RANKINGS)
        if values()["saliency.split"] == "peaks":
            dips: dict[str, Any] = {"least": 0.0, "most": 0.99, "step": 0.05}
            text = setting_help.words("saliency.peaks.depth")
            fields.number("Depth of a dip", help=text, **dips, **_bound("saliency.peaks.depth"))
    fields.switch("Use ground truth if available", help=setting_help.words("truth.read"), **_bound("truth.read"))
    if values()["truth.read"]:
        columns = st.columns(3)
        for place, (name, (label, words)) in enumerate(TRUTH.items()):
            with columns[place % 3]:
                _select(label, name, words)
        with columns[2]:
            _number("Least labelled pixels (COCO)", "truth.least_pixels", least=0)
    if run_form.cuts_features(values()):
        named = ("auto", *(name for name, spec in ENCODERS.items() if not spec.path_kind))
        _select("Encoder of the detector", "saliency.ncut_encoder", {name: name for name in named})


def _of_method() -> None:
    """The settings that only some methods of clustering read."""
    method = values()["clustering.method"]
    if method in LEAVE_NOISE:
        _select("Proposals left as noise", "clustering.noise", NOISE)
    if method in TWO_VIEWS:
        limits: dict[str, Any] = {"least": 0.0, "most": 4.0, "step": 0.2}
        text = setting_help.words("clustering.surroundings")
        fields.number("Surroundings", help=text, **limits, **_bound("clustering.surroundings"))
    only_way = method == "spectral" and not values()["clustering.surroundings"]
    if only_way or values()["clustering.landmarks"]:  # also where they are refused, to be set to 0
        _number("Landmarks (0: automatic)", "clustering.landmarks", least=0)
    if method == "umap":
        _number("Dimensions of UMAP", "clustering.umap.dimensions", least=2, most=100)


def _number(label: str, name: str, *, least: int, most: int | None = None) -> None:
    """A whole number."""
    fields.number(label, least=least, most=most, step=1, help=setting_help.words(name), **_bound(name))


def _select(label: str, name: str, words: dict[str, str]) -> None:
    text = setting_help.words(name)
    fields.choice(label, options=list(words), format_func=words.__getitem__, help=text, **_bound(name))


def _bound(name: str) -> dict[str, Any]:
    """What ties a widget to a value of the form."""
    return {"name": _key(name), "value": values()[name], "take": partial(_set, name)}


def _set(name: str, value: Any) -> None:
    fill({**values(), name: value})


def _key(name: str) -> str:
    return "new_" + name.replace(".", "_")

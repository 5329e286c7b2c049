"""The images of a comparison, a column a detector; and a threshold that moves their masks at once."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from app import state
from app.components.jobs import run_settings
from app.components.shared import choices, fields, navigation, page_data, states
from app.components.shared.gallery import paged
from app.data import saliency_data
from app.data.plain_text import plain
from app.forms import saliency_form, setting_help
from app.server import saliency_routes
from app.server.dataset_routes import image_url
from comus_core.errors import ComusError
from comus_core.pipelines.image_index import ImageIndex, read_index
from comus_core.pipelines.saliency_comparison import DetectorMaps, compared
from comus_core.saliency.detectors import detector_spec
from comus_core.text import counted

PAGE_SIZE = 6  # rows of images
MASKS, SOFT = "masks", "soft"
LAYERS = {MASKS: "Masks", SOFT: "Soft maps"}
THRESHOLD, MIN_AREA = "detectors_threshold", "detectors_min_area"


def show(spec: str, key: str, result: Mapping[str, Any]) -> None:
    """Draw it; what moves with the threshold is drawn again without the rest of the page."""
    st.subheader("Side by side", anchor=False)
    try:
        index = read_index(page_data.workspace(), key)
        columns = [saliency_data.maps_of(result, number) for number in range(len(compared(result)))]
    except ComusError as fault:
        states.error(fault)
        return
    st.fragment(_tried, key="detectors_tried")(spec, index, result, columns)


def _tried(spec: str, index: ImageIndex, result: Mapping[str, Any], columns: Sequence[DetectorMaps]) -> None:
    """The threshold, what it makes of the soft maps, and the images."""
    threshold, min_area = _threshold(spec, index.key, columns)
    layer = choices.segmented("Shown", LAYERS, key="detectors_layer")
    rows = result["image_rows"]
    page = paged(len(rows), key=f"detectors-{index.key}", page_size=PAGE_SIZE)
    order = "; images where the detectors disagree most come first" if len(columns) > 1 else ""
    st.caption(f"{'Masks at this threshold' if layer == MASKS else 'Soft maps, brighter where salient'}{order}.")
    with st.container(key="detectors_images_grid"):
        st.html(grid(index, rows, range(*page.indices(len(rows))), columns, layer, threshold, min_area))


def _threshold(spec: str, key: str, columns: Sequence[DetectorMaps]) -> tuple[float, int]:
    """The slider and the smallest area, what they make of one detector, and the way to Discover with them."""
    tried = {n: maps for n, maps in enumerate(columns) if detector_spec(maps.row["detector"]).given is None}
    first = columns[0].settings
    tried_at, area_at = f"{THRESHOLD}_{key}", f"{MIN_AREA}_{key}"  # of this data set alone
    threshold = float(state.setting(tried_at, min(0.99, max(0.01, round(first.threshold, 2)))))
    min_area = int(state.setting(area_at, first.min_area))
    if not tried:
        return threshold, min_area
    names = {n: saliency_form.short_name(maps.row["detector"]) for n, maps in tried.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="detectors_threshold_row"):
        chosen = choices.selected("Detector", names, key="detectors_tried_one", hidden=False, width=220)
        with st.container(width=360):
            fields.slider(
                *("Saliency threshold", "detectors_slider", threshold, partial(state.set_setting, tried_at)),
                least=0.01,
                most=0.99,
                step=0.01,
                help=setting_help.words("saliency.threshold"),
            )
        fields.number(
            *("Minimum mask area (pixels)", "detectors_area", min_area, partial(_keep_area, area_at)),
            least=0,
            step=100,
            width=220,
            help=setting_help.words("saliency.min_area"),
        )
    found = saliency_data.found_at(columns[chosen], threshold, min_area)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="detectors_counts"):
        st.metric("Proposals", f"{found.proposals:,}", width="content")
        st.metric("Images without a proposal", f"{found.without:,}", width="content")
        st.caption(plain(f"of {names[chosen]} in {counted(found.images, 'image')} at {threshold:.2f}"), width="content")
        used = columns[chosen].at(threshold, min_area)
        if st.button("Use this detector and threshold", key="detectors_use", icon=":material/add_circle:"):
            use(spec, saliency_form.run_values(used))
    return threshold, min_area


def use(spec: str, values: Mapping[str, Any]) -> None:
    """Leave for Discover with the data set and these values of its form."""
    form = run_settings.values()
    run_settings.fill(form | {name: value for name, value in values.items() if name in form})
    navigation.go("new", **{state.DATA: spec})


def grid(
    index: ImageIndex,
    rows: Sequence[Mapping[str, Any]],
    shown: Sequence[int],
    columns: Sequence[DetectorMaps],
    layer: str,
    threshold: float,
    min_area: int,
) -> str:
    """The HTML: a row an image, a column a detector."""
    row_of = {image_id: row for row, image_id in enumerate(index.ids)}
    heads = "".join(f"<h4>{html.escape(saliency_form.short_name(maps.row['detector']))}</h4>" for maps in columns)
    parts = [heads]
    for number in shown:
        row, name = rows[number], html.escape(rows[number]["image"])
        if rows[number]["image"] not in row_of:
            continue
        told = f" · agreement {row['agreement']:.0f} %" if row["agreement"] is not None else ""
        parts.append(f'<div class="row" data-compared="{name}">{name}{told}</div>')
        for column, maps in enumerate(columns):
            parts.append(_figure(index, row_of[row["image"]], row, (column, number), maps, layer, threshold, min_area))
    label = "Images with the masks of each detector"
    return (
        f'<div class="comus-sides" role="region" aria-label="{label}" tabindex="0">'
        f'<div style="--columns:{len(columns)}">{"".join(parts)}</div></div>'
    )


def _figure(
    index: ImageIndex,
    row: int,
    entry: Mapping[str, Any],
    place: tuple[int, int],
    maps: DetectorMaps,
    layer: str,
    threshold: float,
    min_area: int,
) -> str:
    image_id, name = entry["image"], html.escape(entry["image"])
    detector = html.escape(saliency_form.short_name(maps.row["detector"]))
    source = (
        saliency_routes.soft_url(index.key, *place, maps, image_id)
        if layer == SOFT
        else saliency_routes.masks_url(index.key, *place, maps, image_id, threshold, min_area)
    )
    alt = f"{name}: {'soft map' if layer == SOFT else 'masks'} of {detector}"
    size = f'width="{entry["width"]}" height="{entry["height"]}"'
    return (
        f'<figure><a href="{html.escape(image_url(index, row))}" target="_blank" rel="noopener" title="{alt}">'
        f'<img src="{html.escape(image_url(index, row, 480))}" loading="lazy" {size} alt="{alt}">'
        f'<img src="{html.escape(source)}" loading="lazy" class="layer {layer}" alt=""></a></figure>'
    )


def _keep_area(name: str, value: int | None) -> None:
    state.set_setting(name, 0 if value is None else int(value))

"""Detectors compared on the images of a data set: the choice, the job, the figures, and then the images."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.saliency import side_by_side
from app.components.shared import comparison_table, fields, job_watch, page_data, states
from app.data import job_words, saliency_data
from app.data.plain_text import plain, sentence
from app.forms import saliency_form, setting_help
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.pipelines.image_index import index_key
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.saliency_comparison import compared
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings
from comus_core.text import counted

CHOSEN, NUMBER = "detectors_chosen", "detectors_images"
COLUMNS = {
    "Empty": (1, "Share of the images without a proposal, percent"),
    "Seconds": (3, "Seconds of one image, decoding not counted"),
    "Pooled IoU": (1, "Foreground, over the pixels of all images, percent"),
    "Mean IoU": (1, "Foreground, mean over the images, percent"),
    "Max F": (3, "Largest F-measure over all thresholds, from 0 to 1; higher is better"),
    "MAE": (3, "Mean absolute error of the soft map, from 0 to 1; lower is better"),
}
MEASURES = (
    "The mask of an image holds the pixels of all its proposals at the threshold of the comparison. **Empty**: images "
    "without a proposal. **Seconds**: of one image, which is decoded already. **IoU**: of foreground, which is every "
    "class; pooled over all pixels, or the mean over images; two empty masks count as 1. **Max F**: β² = 0.3, the "
    "largest over 256 thresholds of the F-measure of mean precision and mean recall. **MAE**: mean absolute error of "
    "the soft map. Ignored pixels count nowhere."
)


def show(spec: str) -> None:
    """Draw it for the data set of that string, which the server may read."""
    workspace, key = page_data.workspace(), index_key(spec)
    job = saliency_form.last_job(workspace, "saliency-compare", spec)
    _choice(spec, busy=job is not None and job.state in jobs.ACTIVE)
    if job is not None and job.state != "done":
        job_watch.show(job, key="detectors_progress")
    try:
        result = saliency_data.comparison(key)
    except ComusError as fault:
        states.error(fault)
        return
    if result is None:
        states.empty(
            "No detectors compared yet",
            "Choose some: their masks are shown side by side on your own images, where they disagree most first.",
            "compare",
        )
        return
    _head(result)
    comparison_table.show(figures(result), COLUMNS, key="detectors", name=f"detectors-{key}")
    with st.expander("What the figures mean"):
        st.caption(MEASURES)
    if len(compared(result)) > 1:
        st.subheader("Agreement", anchor=False)
        st.caption("Mean IoU of the masks of two detectors over the images, in percent.")
        st.html(matrix(result))
    if compared(result):
        side_by_side.show(spec, key, result)


def figures(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row a detector; without ground truth no scores, and without a fault no reasons."""
    rows = result["detectors"]
    columns: dict[str, list[Any]] = {
        "Detector": [saliency_form.short_name(row["detector"]) for row in rows],
        "Supervision": [badge(row["supervision"], row["non_commercial"]) for row in rows],
        "Empty": [row.get("empty") for row in rows],
        "Seconds": [row.get("seconds") for row in rows],
    }
    scores = {"Pooled IoU": "pooled_iou", "Mean IoU": "mean_iou", "Max F": "max_f", "MAE": "mae"}
    if any(row.get("mae") is not None for row in rows):
        columns |= {title: [row.get(name) for row in rows] for title, name in scores.items()}
    if any(row["reason"] is not None for row in rows):
        columns["Not available here"] = [row["reason"] or "" for row in rows]
    return pd.DataFrame(columns)


def matrix(result: Mapping[str, Any]) -> str:
    """The HTML of the agreement of every two detectors."""
    names = [html.escape(saliency_form.short_name(row["detector"])) for row in compared(result)]
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(
        _row(name, one, values) for one, (name, values) in enumerate(zip(names, result["agreement"], strict=True))
    )
    table = f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="comus-matrix" role="region" aria-label="Agreement of the detectors" tabindex="0">{table}</div>'


def _row(name: str, one: int, values: Sequence[float]) -> str:
    cells = "".join(_cell(value, one == other) for other, value in enumerate(values))
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _cell(value: float, same: bool) -> str:
    return '<td class="same">–</td>' if same else f'<td style="--share:{0.8 * value:.0f}%">{value:.1f}</td>'


def _choice(spec: str, *, busy: bool) -> None:
    """The detectors, how many images, and the button."""
    workspace = page_data.workspace()
    words = saliency_form.detector_words(workspace)
    kept = [name for name in state.setting(CHOSEN, saliency_form.first_detectors(list(words))) if name in words]
    take = partial(state.set_setting, CHOSEN)
    fields.several(
        *("Detectors", "detectors_choice", kept, list(words), take),
        format_func=saliency_form.label,
        placeholder="Choose detectors",
        help="  \n".join(f"**{plain(saliency_form.label(name))}** {plain(line)}" for name, line in words.items()),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="detectors_start_row"):
        number = fields.number(
            *("Images at most", NUMBER, int(state.setting(NUMBER, saliency_form.COMPARED)), _keep_number),
            least=1,
            step=50,
            width=170,
            help=setting_help.words("images", SaliencyCompareSettings),
        )
        pressed = st.button(
            f"Compare {counted(len(kept), 'detector')}",
            key="detectors_start",
            icon=":material/compare:",
            type="primary",
            disabled=busy or not kept,
        )
    if not kept:
        return
    settings = saliency_form.compare_settings(kept, int(number or saliency_form.COMPARED))
    if pressed:
        try:
            saliency_form.start_comparison(workspace, spec, settings)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    with st.expander("Equivalent command"):
        st.code(saliency_form.compare_command(workspace, spec, settings), language=None, wrap_lines=True)


def _keep_number(value: int | None) -> None:
    state.set_setting(NUMBER, saliency_form.COMPARED if value is None else int(value))


def _head(result: Mapping[str, Any]) -> None:
    when = job_words.ago(result["compared_at"], time.time())
    found = "" if result["images"] == result["found"] else f" of {result['found']:,}"
    found += ", drawn at random" if result["settings"]["images"] < result["found"] else ""
    threshold = result["settings"]["saliency"]["threshold"]
    words = f"Compared {when} on {counted(result['images'], 'image')}{found}, at threshold {threshold:g}, on "
    st.caption(plain(f"{words}{result['device']}."))
    states.truth_line(result["truth"])
    for skipped in result["skipped_files"][:5]:
        st.caption(f"Skipped {sentence(skipped['path'])}: {sentence(skipped['reason'])}")

"""What an import changes, before it is applied: counts, tables, problems, and one image before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.components.exports.export_preview import picture_url
from app.components.photo import Layer, photo
from app.components.shared import choices
from app.components.shared.gallery import paged
from app.data import import_data, urls
from app.data.import_data import COLOURS, KINDS
from app.data.plain_text import plain
from comus_core.export.import_plan import ImportPlan
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

METRICS = {"changed": "Changed", "new": "New", "removed": "Removed", "renamed": "Renamed", "moved": "Moved"}
LEGEND = {"same": "unchanged", "changed": "changed", "new": "new", "removed": "removed"}


def show(view: RunView, decided: Decisions, plan: Mapping[str, Any], full: ImportPlan | None) -> None:
    """Draw a plan as JSON; `full` is the plan itself, with the masks, where the page has made it."""
    counts = plan["counts"]
    st.markdown(
        f"**{plain(plan['summary'][0].upper() + plan['summary'][1:])}**: {plain(plan['format'])}, "
        f"{counted(counts['objects'], 'object')} in {counted(counts['images'], 'image')}, "
        f"{counts['unchanged']:,} unchanged"
    )
    with st.container(horizontal=True, gap="medium", key="import_counts"):
        for name, words in METRICS.items():
            st.metric(words, f"{counts[name]:,}", width="content")
    for note in plan["notes"]:
        st.caption(plain(note))
    if plan["problems"]:
        words = f"{counted(len(plan['problems']), 'problem')}: what is listed under *Not used* is not imported."
        st.warning(words, icon=":material/report:")
    if full is not None and full.masks:
        _images(view, decided, full)
    _tables(plan)


def _images(view: RunView, decided: Decisions, plan: ImportPlan) -> None:
    """An image whose masks change, now and after the import."""
    images = import_data.touched(plan)
    number = paged(len(images), key=f"import-{view.run.id}-{plan.file}-{len(images)}", page_size=1).start
    image_id = images[number]
    row = view.image_row_of[image_id]
    height, width = (int(v) for v in view.image_sizes[row])
    pngs = import_data.before_and_after(view, decided, plan, image_id)
    for column, words, png in zip(st.columns(2), ("Now", "After the import"), pngs, strict=True):
        with column:
            st.caption(f"{words}: {plain(image_id)}")
            photo(
                key=f"import_photo_{'now' if words == 'Now' else 'after'}",
                url=urls.image(view, row, 960),
                full_url=urls.image(view, row, 0),
                size_hw=(height, width),
                alt=f"Image {image_id}, {words.lower()}",
                layers=[Layer("masks", "Masks", picture_url(png), shown=True, opacity=0.65)],
            )
    marks = "".join(
        f'<span class="comus-chip"><i style="background:{COLOURS[name]}"></i>{words}</span>'
        for name, words in LEGEND.items()
    )
    st.html(f"<div>{marks}</div>")


def _tables(plan: Mapping[str, Any]) -> None:
    counts = plan["counts"]
    words = {name: f"{title} ({counts[name]:,})" for name, title in KINDS.items() if counts[name]}
    if not words:
        return
    kind = choices.selected("Changes", words, key="import_kind", hidden=False)
    with st.container(key="import_changes"):
        st.dataframe(pd.DataFrame(import_data.rows_of(plan, kind)), hide_index=True, width="stretch")

"""What an export will hold: counts, categories, and one image as other tools will show it."""

from __future__ import annotations

import base64

import pandas as pd
import streamlit as st

from app.components.photo import Layer, photo
from app.components.shared import states
from app.components.shared.gallery import paged
from app.data import export_data, urls
from app.data.export_data import WORDS, Shown
from app.data.plain_text import plain
from app.forms import export_form
from app.forms.export_form import ExportChoices
from comus_core.errors import ComusError
from comus_core.export.export_preview import ExportPreview
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.run_view import RunView
from comus_core.text import counted


def show(view: RunView, chosen: ExportChoices) -> bool:
    """Draw the preview; whether the export can be started."""
    try:
        settings = export_form.checked(view.workspace, chosen)
        shown = export_data.shown(view.workspace, chosen.round, settings)
        if shown is None:
            words = "These images are read, and their masks are made and counted, when the export is made."
            st.info(words, icon=":material/info:")
            return True
        found = export_data.preview(view.workspace, chosen.round, settings)
    except ComusError as fault:
        states.error(fault)
        return False
    _counts(found)
    if not shown.images:
        states.empty("No object in this scope", "Choose another scope or other categories.", "filter_alt_off")
        return found.images > 0
    else:
        _image(view, chosen, settings, shown)
    _categories(found)
    return True


def picture_url(png: bytes) -> str:
    """A picture in its address: it is of what is on the page now, and nobody asks for it again."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _counts(found: ExportPreview) -> None:
    objects = "" if found.objects is None else f"{counted(found.objects, 'object')} in "
    least = "at most " if found.objects is None else ""
    categories = counted(len(found.categories), "category", "categories")
    st.markdown(f"**{objects}{least}{counted(found.images, 'image')}, {categories}**")
    for note in found.notes:
        st.caption(plain(f"{note[0].upper()}{note[1:]}."))


def _image(view: RunView, chosen: ExportChoices, settings: ExportSettings, shown: Shown) -> None:
    """One of the images, with a control that turns to the others."""
    where = f"export-{view.run.id}-{chosen.round.key}-{len(shown.images)}"
    number = paged(len(shown.images), key=where, page_size=1).start
    image, objects = shown.images[number], shown.objects(number)
    row, how = view.image_row_of[image.id], export_data.drawn_as(chosen.kind, settings)
    png = export_data.layer(objects, shown.colours(), settings) if objects else b""
    layers = [Layer("exported", "As exported", picture_url(png), shown=True, opacity=0.65)] if png else []
    with st.container(key="export_picture"):
        photo(
            key="export_photo",
            url=urls.image(view, row, 960),
            full_url=urls.image(view, row, 0),
            size_hw=(image.height, image.width),
            alt=f"Image {image.id} with {counted(len(objects), 'exported object')}",
            layers=layers,
        )
    st.caption(f"{plain(image.id)}: {counted(len(objects), 'object')}. {WORDS[how]}")


def _categories(found: ExportPreview) -> None:
    rows = [
        {
            "category": c["name"],
            "id": c["id"],
            "colour": "#{:02x}{:02x}{:02x}".format(*c["color"]),
            **({"objects": c["objects"]} if c["objects"] is not None else {}),
        }
        for c in found.categories
    ]
    with st.container(key="export_categories_table"):
        swatches = pd.DataFrame(rows).style.map(lambda c: f"background-color: {c}; color: {c}", subset=["colour"])
        st.dataframe(swatches, hide_index=True, height="content" if len(rows) < 12 else 400)

"""The pages: their files, addresses, titles and icons, each named here once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import streamlit as st

PAGES_FOLDER = Path(__file__).resolve().parents[3] / "pages"


@dataclass(frozen=True)
class PageEntry:
    """A page; `about_run` pages have the run's header above them."""

    file: str
    title: str
    icon: str
    about_run: bool = True
    hidden: bool = False  # in no list of pages: links lead to it


PAGES: dict[str, PageEntry] = {
    "home": PageEntry("home.py", "Home", ":material/home:", about_run=False),
    "explore": PageEntry("explore.py", "Explore", ":material/bubble_chart:"),
    "clusters": PageEntry("clusters.py", "Clusters", ":material/grid_view:"),
    "name": PageEntry("name_clusters.py", "Name clusters", ":material/label:"),
    "filter": PageEntry("filter.py", "Filter", ":material/tune:"),
    "scores": PageEntry("scores.py", "Evaluate", ":material/bar_chart:"),
    "compare": PageEntry("compare.py", "Compare", ":material/compare:"),
    "training": PageEntry("training.py", "Self-training", ":material/school:"),
    "image": PageEntry("image.py", "Image", ":material/image:"),
    "similar": PageEntry("similar.py", "More like these", ":material/image_search:", hidden=True),
    "photos": PageEntry("photos.py", "Image grid", ":material/grid_on:"),
    "objects": PageEntry("objects.py", "Objects", ":material/table_rows:"),
    "predict": PageEntry("predict.py", "Predict", ":material/add_photo_alternate:"),
    "export": PageEntry("export.py", "Export", ":material/output:"),
    "import": PageEntry("import_file.py", "Import", ":material/input:"),
    "glossary": PageEntry("glossary.py", "Glossary", ":material/menu_book:", about_run=False, hidden=True),
    "images": PageEntry("images.py", "Images", ":material/photo_library:", about_run=False),
    "datasets": PageEntry("datasets.py", "Data sets", ":material/database:", about_run=False),
    "new": PageEntry("new_run.py", "Discover", ":material/add_circle:", about_run=False),
    "jobs": PageEntry("jobs.py", "Jobs and runs", ":material/checklist:", about_run=False),
}
SECTIONS = {
    "": ("home",),
    "Results": (
        *("explore", "clusters", "name", "photos", "objects", "filter", "scores", "compare", "image"),
        *("similar", "training", "predict", "export", "import"),
    ),
    "Workspace": ("images", "datasets", "new", "jobs", "glossary"),
}


def page(name: str) -> Any:
    """The Streamlit page of a key of `PAGES`, for `st.page_link` and `st.switch_page`."""
    entry = PAGES[name]
    seen: Literal["visible", "hidden"] = "hidden" if entry.hidden else "visible"
    return st.Page(PAGES_FOLDER / entry.file, title=entry.title, icon=entry.icon, url_path=name, visibility=seen)


def go(name: str, **parameters: str) -> None:
    """Leave for another page; the session remembers everything, the parameters say what is new."""
    st.switch_page(page(name), query_params=parameters)

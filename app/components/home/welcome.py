"""The ways in: what the program does, a picture of it, the own folder, and the demo."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import state
from app.components.datasets import dataset_picker, folder_picker
from app.components.shared import badge, navigation, page_data, states
from comus_core.datasets.allowed_folders import image_roots
from comus_core.errors import ComusError
from comus_core.export.bundle_opening import open_bundle
from comus_core.export.demo_bundle import DEMO, demo_listing
from comus_core.text import counted

PICTURE = Path(__file__).resolve().parents[3] / "assets" / "before_after.jpg"
WHAT = (
    "Finds the categories of objects in a folder of images, without labels: you get groups to name, a mask for every "
    "image, and a network that draws the masks of new ones."
)


def show() -> None:
    """Draw the sentence, the picture and the two ways in."""
    st.markdown(WHAT)
    picture, ways = st.columns([3, 2], gap="large")
    with picture:
        st.image(
            str(PICTURE),
            caption="Above: images. Below: the objects found in them, one colour for each category. "
            "Nobody drew or named anything.",
        )
    with ways:
        _folder()
        _demo()


def begin() -> None:
    """The two ways in alone, beside each other, above the runs of a workspace that has some."""
    left, right = st.columns(2, gap="medium")
    with left:
        _folder()
    with right:
        _demo()


def _folder() -> None:
    with st.container(border=True, key="home_folder"):
        st.header("Your folder", anchor=False)
        path = folder_picker.show("Folder of images on the server", image_roots(_root()), key=dataset_picker.PLACE)
        if st.button("Discover its categories", key="home_discover", type="primary", icon=":material/arrow_forward:"):
            state.set_setting(dataset_picker.KIND, dataset_picker.FOLDER if path else dataset_picker.UPLOAD)
            navigation.go("new")
        st.caption("Or leave it empty to upload a zip on the next page.")


def _demo() -> None:
    run = demo_listing()["run"]
    provenance, result = run["provenance"], run["result"]
    with st.container(border=True, key="home_demo"):
        st.header("Try the demo", anchor=False)
        images, clusters = counted(result["images"], "drawn scene"), counted(result["clusters"], "cluster")
        st.markdown(f"A finished run: {clusters} in {images}. It opens at once; nothing is computed.")
        with st.container(horizontal=True, gap="small", key="home_demo_badges"):
            badge.show(provenance["supervision"], provenance["non_commercial"])
            badge.synthetic()
        if st.button("Try the demo", key="home_try", icon=":material/play_arrow:"):
            try:
                with st.spinner("Opening the demo"):
                    opened = open_bundle(Path(DEMO), page_data.workspace())
            except ComusError as fault:
                states.error(fault)
            else:
                navigation.go("explore", run=opened.id)


def _root() -> Path:
    return page_data.workspace().root

"""Which images a run works on: the demo, a folder, VOC, COCO, or a zip from the browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import state
from app.components.datasets import folder_picker
from app.components.shared import badge, choices, page_data, states
from app.data.plain_text import plain
from comus_core.datasets.allowed_folders import allowed, allowed_dataset
from comus_core.datasets.layout_detection import Glance, glance, splits
from comus_core.datasets.passed_over import passed_over_json, passed_over_lines
from comus_core.datasets.uploads import unpack, uploaded_folders
from comus_core.errors import ComusError
from comus_core.text import counted

KINDS = {"demo": "Demo", "folder": "Folder", "voc": "PASCAL VOC", "coco": "COCO", "zip": "Upload"}
HINTS = {
    "folder": "Searched through with all folders below it. Ground truth, if any: images/, masks/, classes.txt.",
    "voc": "The folder that holds VOCdevkit, or VOC2012 itself. A list of classes may lie in it: labelmap.txt.",
    "coco": "The folder that holds annotations/ and the images, or an export of Roboflow, CVAT or Label Studio.",
}
KIND, FOLDER, UPLOADED = "new_kind", "new_folder", "new_uploaded"


@dataclass(frozen=True)
class Picked:
    """A data set that can be used: its string with an absolute path, and what it seems to hold."""

    spec: str
    seen: Glance


def show(roots: tuple[Path, ...]) -> Picked | None:
    """Draw the picker; None while nothing usable is chosen, which it says itself."""
    kind = choices.segmented("Data set", KINDS, key=KIND)
    try:
        spec = _spec(kind, roots)
        if not spec:
            return None
        spec = allowed_dataset(spec, roots)
        seen = _glance(spec)
    except ComusError as fault:
        states.error(fault)
        return None
    _tell(seen)
    return Picked(spec, seen)


def fill(spec: str) -> None:
    """Choose the data set of a run that was made before."""
    kind, _, rest = spec.partition(":")
    if spec != "demo" and kind in ("voc", "coco"):
        root, _, split = rest.rpartition(":")
        state.set_setting(FOLDER, root)
        state.set_setting(f"new_split_{kind}", split)
    elif spec != "demo":
        kind = "folder"
        state.set_setting(FOLDER, spec)
    state.set_setting(KIND, kind)


def _spec(kind: str, roots: tuple[Path, ...]) -> str:
    if kind == "demo":
        st.caption("Scenes that this program draws itself, with exact ground truth: to see how everything works.")
        return "demo"
    if kind == "zip":
        return _uploaded()
    root = folder_picker.show("Folder on the server", roots, key=FOLDER)
    st.caption(HINTS[kind])
    if not root or kind == "folder":
        return root
    found = splits(kind, str(allowed(root, roots)))
    split = choices.selected("Split", {name: name for name in found}, key=f"new_split_{kind}", hidden=False, width=220)
    return f"{kind}:{allowed(root, roots)}:{split}"


def _uploaded() -> str:
    """The folder of an upload: one just made, or an earlier one."""
    place, count = page_data.workspace(), state.setting("new_uploads", 0)
    file = st.file_uploader("A zip of images; masks/ and classes.txt may lie in it too", "zip", key=f"new_zip_{count}")
    if file is not None:
        with st.spinner("Unpacking"):
            done = unpack(file, file.name, place.root)
        left_out = f", {counted(done.left_out, 'other file')} left out" if done.left_out else ""
        renamed = f", {counted(len(done.renamed), 'file')} renamed" if done.renamed else ""
        st.toast(f"Unpacked {counted(done.images, 'image')}{left_out}{renamed}", icon=":material/check_circle:")
        state.set_setting(UPLOADED, str(done.folder))
        state.set_setting("new_uploads", count + 1)  # a fresh field: the old one would hold the zip in memory
        st.rerun()
    folders = {str(folder): folder.name for folder in uploaded_folders(place.root)}
    if not folders:
        return ""
    return choices.selected("Uploaded", folders, key=UPLOADED, hidden=False)


def _tell(seen: Glance) -> None:
    """One line on what was found."""
    classes = f", {counted(seen.classes, 'class', 'classes')}" if seen.classes else ""
    truth = f"ground truth{classes}" if seen.labelled else "no ground truth: everything but scores"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="new_seen"):
        st.markdown(f"**{counted(seen.images, 'image')}**, {truth}", width="content")
        if seen.synthetic:
            badge.synthetic()
    for line in passed_over_lines(passed_over_json(seen.passed_over)):
        st.caption(plain(f"{line[0].upper()}{line[1:]}."))


@st.cache_data(ttl=60, max_entries=32, show_spinner="Looking at the folder")
def _glance(spec: str) -> Glance:
    return glance(spec)

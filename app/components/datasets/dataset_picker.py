"""Which images a run works on: a data set of any format, or a zip from the browser."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app import state
from app.components.datasets import folder_picker
from app.components.shared import badge, choices, page_data, states
from app.data.plain_text import plain
from comus_core.datasets.allowed_folders import allowed, allowed_dataset
from comus_core.datasets.dataset import FORMATS, parse_dataset, splits, summarise
from comus_core.datasets.format import DatasetAddress, DatasetSummary
from comus_core.datasets.ignored_files import ignored_json, ignored_lines
from comus_core.datasets.uploads import unpack, uploaded_folders
from comus_core.errors import ComusError
from comus_core.text import counted
from comus_core.workspace import Run

FOLDER = "folder"  # the format that is offered first
UPLOAD = "zip"  # what is no format: a zip from the browser
KIND, PLACE, UPLOADED = "new_kind", "new_folder", "new_uploaded"
FOLLOWED = "new_followed"  # the data set of the address that was chosen last


@dataclass(frozen=True)
class Picked:
    """A data set that can be used: its string with an absolute path, its summary, and the images chosen by id."""

    spec: str
    seen: DatasetSummary
    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


def show(roots: tuple[Path, ...]) -> Picked | None:
    """Draw the picker; None while nothing usable is chosen."""
    _follow_address()
    kind = choices.segmented("Data set", _kinds(), key=KIND)
    try:
        spec = _spec(kind, roots)
        spec = allowed_dataset(spec, roots) if spec else ""
        _into_address(spec)
        if not spec:
            return None
        seen = _summarise(spec)
    except ComusError as fault:
        states.error(fault)
        return None
    _summary(seen)
    return Picked(spec, seen)


def choose(spec: str, only: Sequence[str] = ()) -> None:
    """Choose a data set, and of it some images alone; none are all."""
    fill(spec)
    state.set_setting(FOLLOWED, spec)
    state.set_parameter(state.DATA, spec)
    state.set_parameter(state.ONLY, page_data.workspace().image_lists.keep(only))


def fill(spec: str) -> None:
    """Choose the data set of a run that was made before."""
    address = parse_dataset(spec)
    state.set_setting(KIND, address.format)
    uploads = map(str, uploaded_folders(page_data.workspace().root))
    if address.root is not None and str(address.root) in uploads:
        state.set_setting(KIND, UPLOAD)
        state.set_setting(UPLOADED, str(address.root))
    elif address.root is not None:
        state.set_setting(PLACE, str(address.root))
    if address.split:
        state.set_setting(f"new_split_{address.format}", address.split)


def follow_run(run: Run | None) -> None:
    """Choose the data set of the run where a link to its images led here."""
    if run is not None and state.parameters().get("of") == "run":
        fill(run.config.dataset)
    state.forget("of")


def _follow_address() -> None:
    """Choose what the address names, unless that was done: what is chosen since then comes first."""
    spec = state.parameter(state.DATA)
    if spec and spec != state.setting(FOLLOWED, ""):
        state.set_setting(FOLLOWED, spec)
        with suppress(ComusError):  # nonsense in an address chooses nothing
            fill(spec)


def _into_address(spec: str) -> None:
    if spec != state.parameter(state.DATA):
        state.set_parameter(state.ONLY, "")  # it was of another data set
    state.set_setting(FOLLOWED, spec)
    state.set_parameter(state.DATA, spec)


def _kinds() -> dict[str, str]:
    """Every format of data sets, and an upload: the own images first, then the others."""
    own = {FOLDER: FORMATS[FOLDER].title, UPLOAD: "Upload"}
    return own | {name: form.title for name, form in FORMATS.items() if name not in own}


def _spec(kind: str, roots: tuple[Path, ...]) -> str:
    if kind == UPLOAD:
        return _uploaded()
    form = FORMATS[kind]
    if not form.has_folder:
        st.caption(form.what)
        return str(DatasetAddress(kind))
    path = folder_picker.show("Folder on the server", roots, key=PLACE)
    st.caption(form.what)
    if not path:
        return ""
    root = allowed(path, roots)
    names = {name: name for name in splits(kind, str(root))}
    key = f"new_split_{kind}"
    split = choices.selected("Split", names, key=key, hidden=False, width=220) if names else ""
    return str(DatasetAddress(kind, root, split))


def _uploaded() -> str:
    """The folder of an upload: a new or an earlier one."""
    workspace, count = page_data.workspace(), state.setting("new_uploads", 0)
    file = st.file_uploader("A zip of images, optionally with masks/ and classes.txt", "zip", key=f"new_zip_{count}")
    if file is not None:
        with st.spinner("Unpacking"):
            upload = unpack(file, file.name, workspace.root)
        ignored = f", {counted(upload.left_out, 'other file')} ignored" if upload.left_out else ""
        renamed = f", {counted(len(upload.renamed), 'file')} renamed" if upload.renamed else ""
        st.toast(f"Unpacked {counted(upload.images, 'image')}{ignored}{renamed}", icon=":material/check_circle:")
        state.set_setting(UPLOADED, str(upload.folder))
        state.set_setting("new_uploads", count + 1)  # a fresh field: the old one would hold the zip in memory
        st.rerun()
    folders = {str(folder): folder.name for folder in uploaded_folders(workspace.root)}
    if not folders:
        return ""
    return choices.selected("Uploaded", folders, key=UPLOADED, hidden=False)


def _summary(seen: DatasetSummary) -> None:
    """The summary of the data set in one line."""
    classes = f", {counted(seen.classes, 'class', 'classes')}" if seen.classes else ""
    truth = f"ground truth{classes}" if seen.labelled else "no ground truth, so no scores"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="new_seen"):
        st.markdown(f"**{counted(seen.images, 'image')}**, {truth}", width="content")
        if seen.synthetic:
            badge.synthetic()
    for line in ignored_lines(ignored_json(seen.ignored)):
        st.caption(plain(f"{line[0].upper()}{line[1:]}."))


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the folder")
def _summarise(spec: str) -> DatasetSummary:
    return summarise(spec)

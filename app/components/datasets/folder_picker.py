"""A field for a folder of the server, with a browser: only below the allowed roots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app import state
from app.components.shared import fields
from app.data.plain_text import code, plain
from comus_core.datasets.allowed_folders import Listing, list_folder
from comus_core.errors import DatasetError
from comus_core.text import counted

MOST_BUTTONS = 200


def show(label: str, roots: Sequence[Path], *, key: str, placeholder: str = "") -> str:
    """Draw the field; returns the path as entered or browsed to, '' for none."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"{key}_row"):
        fields.text(
            label,
            f"{key}_path",
            str(state.setting(key, "")),
            lambda path: state.set_setting(key, path.strip()),
            placeholder=placeholder or "/path/on/the/server",
            autocomplete="off",
        )
        with st.popover("Browse", icon=":material/folder_open:", key=f"{key}_browse", on_change="rerun"):
            _browse(roots, key)
    return str(state.setting(key, ""))


def _browse(roots: Sequence[Path], key: str) -> None:
    listing = _listing(roots, str(state.setting(key, "")))
    if listing is None:
        st.caption("None of the allowed folders can be read.")
        return
    with st.container(horizontal=True, gap="small", key=f"{key}_roots"):
        for number, root in enumerate(roots):
            _go(str(root), root, key, f"root{number}", ":material/hard_drive:")
    if listing.parent is not None:
        _go("Up", listing.parent, key, "up", ":material/arrow_upward:")
    images = counted(listing.images, "image") if listing.complete else f"{listing.images:,} or more images"
    st.caption(f"{code(str(listing.folder))} · {images} in this folder")
    with st.container(height=280, border=True, gap=None, key=f"{key}_folders"):
        for number, name in enumerate(listing.subfolders[:MOST_BUTTONS]):
            _go(name, listing.folder / name, key, f"sub{number}", ":material/folder:")
        if not listing.subfolders:
            st.caption("No subfolders")
        if len(listing.subfolders) > MOST_BUTTONS:
            st.caption(f"{len(listing.subfolders) - MOST_BUTTONS:,} more: enter the path")
    st.button(
        "Use this folder",
        key=f"{key}_use",
        icon=":material/check:",
        type="primary",
        on_click=_use,
        args=(key, str(listing.folder)),
    )


def _listing(roots: Sequence[Path], entered: str) -> Listing | None:
    """The folder typed, else the first root that can be read."""
    folders: list[str | Path] = [entered, *roots] if entered else [*roots]
    for path in folders:
        try:
            return list_folder(path, roots)
        except DatasetError:
            continue
    return None


def _use(key: str, folder: str) -> None:
    """Take the folder, and close the list, which covers what comes next."""
    state.set_setting(key, folder)
    state.close(f"{key}_browse")


def _go(label: str, target: Path, key: str, name: str, icon: str) -> None:
    st.button(
        plain(label),
        key=f"{key}_{name}",
        icon=icon,
        type="tertiary",
        on_click=state.set_setting,
        args=(key, str(target)),
    )

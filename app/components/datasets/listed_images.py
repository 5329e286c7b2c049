"""The files of a data set, listed anew at most once a minute."""

from __future__ import annotations

import streamlit as st

from app.components.shared import page_data
from comus_core.errors import ComusError
from comus_core.pipelines.image_index import ImageIndex, index_key, quick_index, read_index


def index_of(spec: str) -> ImageIndex | None:
    """The list of a data set's images; None where making it takes long and nobody has made it yet.

    Raises:
        DatasetError: there is no such data set, or no image in it.
    """
    workspace = page_data.workspace()
    index = listed(str(workspace.root), spec)
    if index is not None:
        return index
    try:
        return read_index(workspace, index_key(spec))
    except ComusError:
        return None


@st.cache_data(ttl=60, max_entries=8, show_spinner="Listing the files")
def listed(_: str, spec: str) -> ImageIndex | None:
    """The same where it can be listed at once; the first argument is the workspace's folder."""
    return quick_index(page_data.workspace(), spec)

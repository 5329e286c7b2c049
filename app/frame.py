"""What stands around every page: navigation, the choice of the run, the running jobs. Streamlit runs this script."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ASSETS = ROOT / "assets"
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from app import state  # noqa: E402
from app.components.frame import sidebar  # noqa: E402
from app.components.jobs import run_header  # noqa: E402
from app.components.shared import navigation, notices, page_data, soft_links, states, typed_names  # noqa: E402
from comus_core.errors import ComusError  # noqa: E402
from comus_core.files.system_faults import system_message  # noqa: E402


def frame() -> None:
    """Draw the frame and the page inside it."""
    st.set_page_config(page_title="COMUS Explorer", page_icon=str(ASSETS / "icon.svg"), layout="wide")
    st.logo(str(ASSETS / "logo.svg"), size="large")
    st.html(HERE / "frame.css")
    came = state.parameters()  # before the run that is chosen is written into the address

    def landing() -> None:
        """The bare address: to the map of the run that it names, else to the home page."""
        navigation.go("explore" if "run" in came else "home", **came)

    pages = {name: navigation.page(name) for name in navigation.PAGES}
    start = st.Page(landing, title="COMUS Explorer", default=True, visibility="hidden")
    sections = {title: [pages[name] for name in names] for title, names in navigation.SECTIONS.items()}
    sections[""].insert(0, start)
    chosen = st.navigation(sections, position="hidden")  # its own list of pages is no list to a screen reader
    soft_links.follow()
    typed_names.keep()
    notices.show()
    state.enter(chosen.url_path)
    entry = navigation.PAGES.get(chosen.url_path)
    missing, run = page_data.missing_run(), page_data.current_run()
    if missing is None and run is not None:
        state.choose_run(run.id)
    state.mirror()
    with st.sidebar:
        sidebar.show(None if missing else run)
    if missing and entry and entry.about_run:
        st.title(entry.title, anchor=False)
        states.no_such_run(missing, run, chosen)
        return
    if entry and entry.about_run:
        if run is not None:
            run_header.show(run, entry.title)
        else:
            st.title(entry.title, anchor=False)
    chosen.run()


try:
    frame()
except ComusError as fault:
    states.error(fault)
except Exception as fault:
    words = system_message(fault)
    if words is None:
        raise
    states.error(ComusError(words))

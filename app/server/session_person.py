"""Who is behind a page: what the login layer wrote into the handshake of its socket."""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.server.login import ROLE, USER
from comus_core.person import Person


def of_session() -> Person | None:
    """The person of the session whose script runs in this thread; None elsewhere, and without a login."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    headers = st.context.headers
    role = headers.get(ROLE)
    if role is None:
        return None
    return Person(unquote(headers.get(USER, "")), "operator" if role == "operator" else "viewer")

"""Who is behind a page: what the login layer wrote into the handshake of its socket."""

from __future__ import annotations

from urllib.parse import unquote

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.server.login import ROLE, USER
from comus_core.login import Way
from comus_core.person import STRANGER, Person


def of_session(way: Way) -> Person | None:
    """The person of the session whose script runs in this thread; None elsewhere, and without a login.

    Streamlit forgets the handshake when the socket closes, also while the script still runs: with a login, whoever is
    then no longer known may change nothing.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    headers = st.context.headers
    role = headers.get(ROLE)
    if role is None:
        return None if way == "none" else STRANGER
    return Person(unquote(headers.get(USER, "")), "operator" if role == "operator" else "viewer")

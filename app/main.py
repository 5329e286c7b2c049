"""The entry: `streamlit run app/main.py` and `comus app` find `app` here, pages and HTTP routes on one port."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # a checkout that is not installed, started from any folder
    sys.path.insert(0, str(ROOT))

from app.server import asgi, session_person  # noqa: E402
from comus_core.person import add_source  # noqa: E402

login = asgi.login_of_server()
add_source(partial(session_person.of_session, login.way))
base_path = st.get_option("server.baseUrlPath")
app = st.App(
    Path(__file__).with_name("frame.py"),
    routes=asgi.routes(base_path),
    middleware=asgi.middleware(st.get_option("server.address"), login, base_path),
    lifespan=asgi.lifespan,
)

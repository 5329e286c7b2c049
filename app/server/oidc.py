"""OpenID Connect by Streamlit's `st.login`: its routes lead to the provider and back, and set a signed cookie.

Streamlit asks for that login only in scripts that call `st.login`; here its cookie is asked for by every route.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

import streamlit.auth_util as auth
from starlette.requests import HTTPConnection
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette import starlette_app_utils
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from comus_core.errors import SettingsError

PROVIDER = "default"  # that of the section [auth] itself in Streamlit's secrets.toml
NAMES = ("email", "preferred_username", "name", "sub")  # the first that the provider tells is the user's name


def require_configured() -> None:
    """Raise `SettingsError` if Streamlit cannot log anybody in."""
    try:
        auth.validate_auth_credentials(PROVIDER)
    except StreamlitAuthError as fault:
        raise SettingsError(
            "--oidc needs `pip install 'streamlit[auth]'` and the section [auth] of .streamlit/secrets.toml, with "
            f"redirect_uri, cookie_secret, client_id, client_secret and server_metadata_url: {fault}"
        ) from None


def login_address() -> str:
    """Where the login begins, below the path that all is served at."""
    return f"auth/login?{urlencode({'provider': auth.encode_provider_token(PROVIDER)})}"


def name_of(connection: HTTPConnection) -> str | None:
    """The name of the user of Streamlit's cookie, None without a valid one."""
    secret = get_cookie_secret()

    def signed(name: str) -> bytes | None:
        raw = connection.cookies.get(name)
        return None if raw is None else starlette_app_utils.decode_signed_value(secret, name, raw.encode("latin-1"))

    try:
        said = json.loads(auth.get_cookie_with_chunks(signed, USER_COOKIE_NAME) or b"{}")
    except ValueError:
        return None
    if said.get("is_logged_in") is not True or said.get("origin") != (auth.get_origin_from_redirect_uri() or ""):
        return None
    doubted = {"email"} if said.get("email_verified") is False else set()  # anybody could have entered it
    return next((str(said[key]) for key in NAMES if said.get(key) and key not in doubted), None)

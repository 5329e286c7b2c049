"""How people log in to the app: with a token, by a reverse proxy's header, with OpenID Connect, or not at all.

`comus app` takes it from its options, the server from the environment, so `streamlit run app/main.py` has the same.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from comus_core.errors import SettingsError

Way = Literal["token", "header", "oidc", "none"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TOKEN, VIEWER_TOKEN, NO_LOGIN = "COMUS_TOKEN", "COMUS_VIEWER_TOKEN", "COMUS_NO_LOGIN"
USER_HEADER, TRUSTED_PROXY, OPERATORS = "COMUS_USER_HEADER", "COMUS_TRUSTED_PROXY", "COMUS_OPERATORS"
OIDC = "COMUS_OIDC"
VARIABLES = (TOKEN, VIEWER_TOKEN, NO_LOGIN, USER_HEADER, TRUSTED_PROXY, OPERATORS, OIDC)
OF_ONE_WAY = ((TOKEN, VIEWER_TOKEN), (USER_HEADER, TRUSTED_PROXY), (OIDC,), (NO_LOGIN,))
SHORTEST = 12  # characters of a token that a person chooses
HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


@dataclass(frozen=True)
class Login:
    """The login of a server.

    Attributes:
        way: how people log in.
        token: of operators, for the way `token`.
        viewer_token: of those who may only look; empty for none.
        user_header: in which a proxy names the user, for the way `header`.
        proxies: addresses from which that header is believed.
        operators: names of users who may change things, for `header`, where empty means all, and for `oidc`.
    """

    way: Way
    token: str = ""
    viewer_token: str = ""
    user_header: str = ""
    proxies: tuple[Network, ...] = ()
    operators: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Login({self.way!r})"  # a token must not be in a log

    def is_proxy(self, address: str) -> bool:
        """Whether a request that came from this address came through a trusted proxy."""
        try:
            number = ipaddress.ip_address(address)
        except ValueError:
            return False
        number = getattr(number, "ipv4_mapped", None) or number
        return any(number in network for network in self.proxies)


def without_login(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for another process, which is to know no token."""
    return {name: value for name, value in environment.items() if name not in VARIABLES}


def login_of(environment: Mapping[str, str]) -> Login:
    """The login that the variables of a server say; a new token if they say nothing.

    Raises:
        SettingsError: they contradict each other, or one of them is no token, header or address.
    """
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    ways = [
        way
        for way, names in (
            ("none", [NO_LOGIN]),
            ("header", [USER_HEADER, TRUSTED_PROXY]),
            ("oidc", [OIDC]),
            ("token", [TOKEN, VIEWER_TOKEN]),
        )
        if any(given.get(name, "0" if name in (NO_LOGIN, OIDC) else "") not in ("", "0") for name in names)
    ]
    if len(ways) > 1:
        raise SettingsError(
            f"choose one way to log in, not {' and '.join(sorted(ways))}: --token, --user-header with --trusted-proxy, "
            f"--oidc, or --no-login (variables {', '.join(VARIABLES)})"
        )
    operators = frozenset(name.strip() for name in given.get(OPERATORS, "").split(",") if name.strip())
    match ways:
        case ["header"]:
            return _by_header(given.get(USER_HEADER, ""), given.get(TRUSTED_PROXY, ""), operators)
        case ["oidc"] if operators:
            return Login("oidc", operators=operators)
        case ["oidc"]:
            raise SettingsError(
                f"--oidc needs --operators ({OPERATORS}), the users who may change things, between commas: with many "
                "providers anybody can have an account, and whoever is not named there can only look"
            )
        case _ if operators:
            raise SettingsError(
                f"--operators ({OPERATORS}) names users of --oidc or of a proxy's --user-header: with a token give "
                "--viewer-token to those who may only look; without a login nobody is known by name"
            )
        case ["none"]:
            return Login("none")
    token, viewer_token = given.get(TOKEN, ""), given.get(VIEWER_TOKEN, "")
    for name, chosen in ((TOKEN, token), (VIEWER_TOKEN, viewer_token)):
        if chosen and (len(chosen) < SHORTEST or not chosen.isascii() or not chosen.isprintable() or " " in chosen):
            raise SettingsError(f"{name}: a token has at least {SHORTEST} letters, digits and signs, and no space")
    if token and token == viewer_token:
        raise SettingsError("operators and viewers need different tokens")
    return Login("token", token or new_token(), viewer_token)


def new_token() -> str:
    """A token of 192 random bits, fit for an address."""
    return secrets.token_urlsafe(24)


def _by_header(header: str, proxies: str, operators: frozenset[str]) -> Login:
    if not header or not proxies:
        raise SettingsError(
            "a proxy's login needs both --user-header, in which it names the user, and --trusted-proxy, the address "
            "that it comes from: a header of anybody else must not be believed"
        )
    if not HEADER_NAME.fullmatch(header):
        raise SettingsError(f"user header {header[:60]!r}: enter the name of a header, such as X-Forwarded-User")
    networks = []
    for address in proxies.split(","):
        try:
            networks.append(ipaddress.ip_network(address.strip(), strict=False))
        except ValueError:
            raise SettingsError(
                f"trusted proxy {address.strip()[:60]!r}: enter an address or a network, such as 10.0.0.0/24"
            ) from None
    return Login("header", user_header=header, proxies=tuple(networks), operators=operators)

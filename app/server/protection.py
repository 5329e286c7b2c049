"""Whom the server answers, and what every answer tells the browser. Plain ASGI, no Streamlit.

A page of another site can let its own name point at this machine (DNS rebinding) and then read all that the server
sends. The browser names the site in `Host` and `Origin`, so a server that answers only to its own names is safe.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "COMUS_ALLOWED_HOSTS"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # what a server listens on that is to be reached from other machines
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'self'",
}
NAME_AND_PORT = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(:\d{1,5})?")


@dataclass(frozen=True)
class AllowedHosts:
    """The names that a server answers to, in lower case; `*.example.org` stands for all below, `*` for all."""

    names: frozenset[str]

    def allow(self, host: str, own_address: str = "") -> bool:
        """Whether a request for `host`, with or without a port, may be answered.

        Args:
            host: value of the header `Host`, or the part of an `Origin` behind `//`.
            own_address: of this machine, at which the request arrived. As a number it is no name that somebody else
                could let point here.
        """
        match = NAME_AND_PORT.fullmatch(host.strip())
        if match is None:
            return False
        name = _plain(match["name"])
        parents = (f"*{name[at:]}" for at, letter in enumerate(name) if letter == ".")
        return not self.names.isdisjoint((name, "*", *parents)) or (_is_number(name) and name == _plain(own_address))


def allowed_hosts(address: str | None, named: str = "") -> AllowedHosts:
    """The names of a server.

    Args:
        address: what it listens on; None and 0.0.0.0 are every address of this machine, whose name is then allowed.
        named: more names, separated by commas: those of a proxy in front, for example.
    """
    own = socket.gethostname() if (address or "") in EVERY_ADDRESS else str(address)
    return AllowedHosts(frozenset(_plain(name) for name in (*LOOPBACK, own, *named.split(",")) if name.strip()))


class Protection:
    """Middleware around everything: refuses foreign names with 403, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp, allowed: AllowedHosts) -> None:
        self.app = app
        self.allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        started = False

        async def protected(message: Message) -> None:
            nonlocal started
            started = started or message["type"].endswith(("response.start", "websocket.accept"))
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        foreign = self._foreign(scope)
        if foreign is not None:
            return await refusal(foreign)(scope, receive, protected)
        try:
            await self.app(_same_origin(scope), receive, protected)
        except Exception:
            if scope["type"] == "http" and not started:  # what Starlette would answer outside of this middleware
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, protected)
            raise

    def _foreign(self, scope: Scope) -> str | None:
        """The name that is not this server's, None if all are."""
        headers, own = Headers(scope=scope), (scope.get("server") or ("", None))[0]
        hosts = headers.getlist("host") or [""]
        origins = [urlsplit(origin).netloc or origin for origin in headers.getlist("origin")]
        return next((name for name in (*hosts, *origins) if not self.allowed.allow(name, own)), None)


def refusal(name: str) -> PlainTextResponse:
    """403, with the way out for the one who runs the server."""
    words = (
        f"COMUS Explorer does not answer to the name '{name[:100]}'. If you reach it by this name, directly or through "
        f"a proxy, add the name to {VARIABLE} (separated by commas) and start it again: {VARIABLE}=comus.example.org"
    )
    return PlainTextResponse(words, 403, {"Cache-Control": "no-store"})


def _same_origin(scope: Scope) -> Scope:
    """The request of a socket without an `Origin` that was found right although it is not `Host`.

    A proxy may pass on its own name as `Host`; Streamlit would refuse the socket, and ask the network who it is.
    """
    headers = Headers(scope=scope)
    if scope["type"] != "websocket" or urlsplit(headers.get("origin", "")).netloc == headers.get("host"):
        return scope
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]}


def _plain(name: str) -> str:
    """A name in lower case without brackets and last dot; an address in its shortest form, IPv4 within IPv6 as such."""
    name = name.strip().strip("[]").lower().rstrip(".")
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return name
    return str(getattr(number, "ipv4_mapped", None) or number)


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

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
# What Streamlit's pages need: styles and data within the page, scripts of components from memory (`blob:`), WebAssembly
# and the functions that its charts compile; nothing from other hosts, so that no text on a page can send anything away.
POLICY = {
    "default-src": ("'self'",),
    "script-src": ("'self'", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "blob:"),
    "style-src": ("'self'", "'unsafe-inline'"),
    "img-src": ("'self'", "data:", "blob:"),
    "font-src": ("'self'", "data:"),
    "media-src": ("'self'", "data:", "blob:"),
    "connect-src": ("'self'", "data:", "blob:"),
    "worker-src": ("'self'", "blob:"),
    "frame-src": ("'self'", "blob:", "data:"),
    "object-src": ("'none'",),
    "base-uri": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'self'",),
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "; ".join(" ".join((name, *sources)) for name, sources in POLICY.items()),
}
NAME_AND_PORT = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(:\d{1,5})?")


@dataclass(frozen=True)
class AllowedHosts:
    """The names that a server answers to, in lower case; `*.example.org` stands for all below, `*` for all.

    Attributes:
        names: all of them.
        named: those that whoever runs the server named, as those of a proxy that passes on another `Host`.
    """

    names: frozenset[str]
    named: frozenset[str] = frozenset()

    def allow(self, host: str, own_address: str = "") -> bool:
        """Whether a request for `host`, with or without a port, may be answered.

        Args:
            host: value of the header `Host`, or the part of an `Origin` behind `//`.
            own_address: of this machine, at which the request arrived. As a number it is no name that somebody else
                could let point here.
        """
        name = _name_of(host)
        return name is not None and (_is_among(name, self.names) or (_is_number(name) and name == _plain(own_address)))

    def allow_origin(self, origin: str, host: str) -> bool:
        """Whether a page of `origin` may ask what was asked of `host`: the same name and port, or a name in `named`.

        Another port is another program, which somebody else may run on this machine.
        """
        netloc = urlsplit(origin).netloc
        if netloc and _with_port(netloc, origin) == _with_port(host, origin):
            return True
        name = _name_of(netloc)
        return name is not None and _is_among(name, self.named)


def allowed_hosts(address: str | None, named: str = "") -> AllowedHosts:
    """The names of a server.

    Args:
        address: what it listens on; None and 0.0.0.0 are every address of this machine, whose name is then allowed.
        named: more names, separated by commas: those of a proxy in front, for example.
    """
    own = socket.gethostname() if (address or "") in EVERY_ADDRESS else str(address)
    more = frozenset(_plain(name) for name in named.split(",") if name.strip())
    return AllowedHosts(frozenset(_plain(name) for name in (*LOOPBACK, own) if name.strip()) | more, more)


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
                headers = MutableHeaders(scope=message)
                headers.update({name: value for name, value in HEADERS.items() if name != "Content-Security-Policy"})
                headers.setdefault("Content-Security-Policy", HEADERS["Content-Security-Policy"])
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
        hosts, origins = headers.getlist("host") or [""], headers.getlist("origin")
        foreign = [host for host in hosts if not self.allowed.allow(host, own)]
        foreign += [origin for origin in origins if not self.allowed.allow_origin(origin, hosts[0])]
        return next((urlsplit(name).netloc or name for name in foreign), None)


def refusal(name: str) -> PlainTextResponse:
    """403, with the way out for the one who runs the server."""
    words = (
        f"COMUS Explorer does not answer to the name '{name[:100]}'. If you reach it by this name, directly or through "
        f"a proxy, add the name to {VARIABLE} (separated by commas) and start it again: {VARIABLE}=comus.example.org"
    )
    return PlainTextResponse(words, 403, {"Cache-Control": "no-store"})


def _same_origin(scope: Scope) -> Scope:
    """The request of a socket with `Host` as its `Origin`, where that was found right although it is another.

    A proxy may pass on its own name as `Host`; Streamlit would refuse the socket, and ask the network who it is.
    """
    headers = Headers(scope=scope)
    if scope["type"] != "websocket" or urlsplit(headers.get("origin", "")).netloc == headers.get("host"):
        return scope
    other_headers = [pair for pair in scope["headers"] if pair[0].lower() != b"origin"]
    origin = (b"origin", f"http://{headers.get('host', '')}".encode("latin-1"))
    return {**scope, "headers": [*other_headers, origin] if "origin" in headers else other_headers}


def _name_of(host: str) -> str | None:
    """The name of a host with or without a port, plain; None if it is none."""
    match = NAME_AND_PORT.fullmatch(host.strip())
    return None if match is None else _plain(match["name"])


def _with_port(host: str, origin: str) -> tuple[str | None, str]:
    """Name and port; the default of the origin's scheme where none is given."""
    match = NAME_AND_PORT.fullmatch(host.strip())
    port = match[2] if match is not None else None
    return _name_of(host), (port or (":443" if origin.startswith("https:") else ":80"))


def _is_among(name: str, names: frozenset[str]) -> bool:
    parents = (f"*{name[at:]}" for at, letter in enumerate(name) if letter == ".")
    return not names.isdisjoint((name, "*", *parents))


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

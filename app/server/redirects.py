"""Redirects that hold behind a proxy. Plain ASGI, no Streamlit."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RelativeRedirects:
    """Middleware: a redirect that only adds or drops slashes at the end says so relative to the address it answers.

    Streamlit and Starlette name host, scheme and path as they see them; a proxy in front may have changed all three.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def relative(message: Message) -> None:
            if message["type"] == "http.response.start" and 300 < message["status"] < 400:
                headers = MutableHeaders(scope=message)
                headers["location"] = relative_location(quote(scope["path"]), headers.get("location", ""))
            await send(message)

        await self.app(scope, receive, relative if scope["type"] == "http" else send)


def relative_location(path: str, location: str) -> str:
    """The address of a redirect from `path`, relative if the two differ in slashes at the end alone."""
    target = urlsplit(location)
    if target.path == path or target.path.rstrip("/") != path.rstrip("/"):
        return location
    slashes = len(path) - len(path.rstrip("/"))
    relative = "../" * slashes + path.rstrip("/").rsplit("/", 1)[-1] + "/" * target.path.endswith("/")
    return relative + (f"?{target.query}" if target.query else "")

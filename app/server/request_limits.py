"""How much one server does at once: pages that are open, uploads, and zips. Plain ASGI, no Streamlit.

A page keeps its session in memory, an upload its file, and a zip a thread and the disk; without limits a few clients
could take all of each. What may wait waits its turn, before any of it is read or written; pages that are too many hear
so, and the browser tries again by itself.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGES = 256  # open at once
UPLOADS, ZIPS = 4, 2  # at work at once
MOST_WAITING = 256  # of each
ZIP = re.compile(r".*/api/(runs/[^/]+/(bundle|packages/[^/]+|exports/[^/]+)|maps/[^/]+/[^/]+)")
UPLOAD = re.compile(r".*/_stcore/upload_file/.+")


class Turns:
    """So many at work at once, the others in the order in which they came."""

    def __init__(self, at_once: int, most_waiting: int = MOST_WAITING) -> None:
        self.at_once, self.most_waiting = at_once, most_waiting
        self.inside = 0
        self._free = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[bool]:
        """A turn, when it has come; False at once where too many wait already."""
        if self.inside >= self.at_once + self.most_waiting:
            yield False
            return
        self.inside += 1
        try:
            async with self._free:
                yield True
        finally:
            self.inside -= 1


class RequestLimits:
    """Middleware that keeps the numbers above."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.pages, self.uploads, self.zips = Turns(PAGES, 0), Turns(UPLOADS), Turns(ZIPS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request in its turn."""
        turns = self._turns(scope)
        if turns is None:
            return await self.app(scope, receive, send)
        async with AsyncExitStack() as turn:
            if await turn.enter_async_context(turns.taken()):
                return await self.app(scope, receive, _until_made(turn, send) if turns is self.zips else send)
        words = "this server is busy: too many pages, uploads or downloads at once; try again in a moment"
        await PlainTextResponse(words, 503, {"Retry-After": "10", "Cache-Control": "no-store"})(scope, receive, send)

    def _turns(self, scope: Scope) -> Turns | None:
        if scope["type"] == "websocket":
            return self.pages
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return None
        if scope["method"] in ("PUT", "POST") and UPLOAD.fullmatch(scope["path"]):
            return self.uploads
        return self.zips if scope["method"] == "GET" and ZIP.fullmatch(scope["path"]) else None


def _until_made(turn: AsyncExitStack, send: Send) -> Send:
    """Give a zip's turn back when its answer begins: a slow client downloads what is made, and holds up nobody."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            await turn.aclose()
        await send(message)

    return told

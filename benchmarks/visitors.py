"""People at the app without their browsers: they log in, open pages, move the filter and fetch what the pages show.

Each is a session of Streamlit over its own socket, by the messages that a browser sends, from which the server cannot
tell it; only drawing is left out. A page has answered when its script has finished.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from app.data import urls
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

PAGES = ("explore", "filter", "clusters", "filter", "scores", "filter", "photos", "filter", "name", "objects")
SLIDES, CROPS = 3, 8  # moves of the filter on its page, and crops that a page shows
PATIENCE = 120.0  # seconds: who waits longer is an error
TOKEN = "operator-token-of-a-benchmark"
FILTER = "filter_slider"  # in the id of the filter's slider
AGAIN = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN


@dataclass
class Waits:
    """Seconds by what was waited for: `page`, `slide`, `data`, `look` (the sidebar's look at the jobs); and errors."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)

    def note(self, kind: str, since: float) -> None:
        """Something that began at `since` is there."""
        self.seconds[kind].append(time.perf_counter() - since)

    def at(self, kind: str, percent: float) -> float:
        """A percentile of the seconds; not a number where nothing of the kind was waited for."""
        found = self.seconds[kind]
        return float(np.percentile(found, percent)) if found else math.nan

    @property
    def actions(self) -> int:
        """Pages opened and slides made."""
        return len(self.seconds["page"]) + len(self.seconds["slide"])


class Visitor:
    """One person with one session."""

    def __init__(self, server: str, view: RunView, seed: int, think: float, waits: Waits) -> None:
        self.server, self.view, self.think, self.waits = server, view, think, waits
        self.rng = np.random.default_rng(seed)
        self.http = requests.Session()
        self.query = f"run={view.run.id}"
        self.page = ""
        self.hashes: dict[str, str] = {}  # of the pages, by their addresses
        self.slider: tuple[str, str] | None = None  # id, and the fragment that it is in
        self.looks: dict[str, tuple[float, float]] = {}  # fragment -> seconds between its runs, and when one is due

    async def visit(self, until: float, pages: Iterable[str]) -> None:
        """Log in and open the pages until `until`, a moment of `time.perf_counter`; whatever goes wrong is noted."""
        try:
            await asyncio.to_thread(self._log_in)
            cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
            async with connect(
                f"ws://{urlsplit(self.server).netloc}/_stcore/stream",
                origin=self.server.rstrip("/"),  # type: ignore[arg-type]
                additional_headers={"Cookie": cookies},
                subprotocols=["streamlit"],  # type: ignore[list-item]
                max_size=None,
                max_queue=None,
            ) as socket:
                await self._look_around(socket, until, pages)
        except (OSError, TimeoutError, ValueError, WebSocketException, requests.RequestException) as error:
            self.waits.errors.append(f"{self.page or 'log in'}: {type(error).__name__}: {error}")

    def _log_in(self) -> None:
        answer = self.http.get(
            self.server, params={"token": TOKEN}, headers={"Accept": "text/html"}, allow_redirects=False, timeout=60
        )
        if answer.status_code != 303 or not self.http.cookies:
            raise ValueError(f"no login: {answer.status_code} {answer.text[:200]}")

    async def _look_around(self, socket: ClientConnection, until: float, pages: Iterable[str]) -> None:
        for page in pages:
            if time.perf_counter() >= until:
                return
            await self._open(socket, page)
            await self._fetch()
            await self._rest(socket, self.think)
            for _ in range(SLIDES if self.page == "filter" else 0):
                if time.perf_counter() >= until:
                    return
                await self._slide(socket)
                await self._rest(socket, self.think / 2)

    async def _open(self, socket: ClientConnection, page: str) -> None:
        """The first page by its address, the others by the list of pages."""
        self.page, self.slider = page, None
        self.looks.clear()  # as a browser does: of a fragment that is gone the server says nothing
        known = self.hashes.get(page)
        asked = ClientState(page_script_hash=known) if known else ClientState(page_name=page, query_string=self.query)
        await self._ask(socket, "page", asked)

    async def _slide(self, socket: ClientConnection) -> None:
        """Move the filter to another percentage."""
        if self.slider is None:
            raise ValueError("the page of the filter shows no slider")
        widget, fragment = self.slider
        state = WidgetState(id=widget)
        state.double_array_value.data.append(float(self.rng.integers(1, 60)))
        asked = ClientState(
            page_script_hash=self.hashes[self.page],
            query_string=self.query,
            fragment_id=fragment,
            widget_states=WidgetStates(widgets=[state]),
        )
        await self._ask(socket, "slide", asked)

    async def _ask(self, socket: ClientConnection, kind: str, asked: ClientState) -> None:
        """Let the script run and wait until it has finished."""
        asked.context_info.timezone, asked.context_info.url = "UTC", f"{self.server}{self.page}"
        began = time.perf_counter()
        await socket.send(BackMsg(rerun_script=asked).SerializeToString())
        async with asyncio.timeout(PATIENCE):
            while True:
                message = ForwardMsg.FromString(_bytes(await socket.recv()))
                if message.WhichOneof("type") == "script_finished" and message.script_finished != AGAIN:
                    break
                self._take(message)
        self.waits.note(kind, began)

    async def _rest(self, socket: ClientConnection, seconds: float) -> None:
        """Look at the page for about so long; meanwhile its fragments run again at their times."""
        end = time.perf_counter() + seconds * float(self.rng.uniform(0.5, 1.5))
        while (now := time.perf_counter()) < end:
            due, fragment = min(((when, name) for name, (_, when) in self.looks.items()), default=(math.inf, ""))
            if due <= now:
                every, _ = self.looks[fragment]
                self.looks[fragment] = every, now + every
                looking = ClientState(
                    page_script_hash=self.hashes[self.page],
                    query_string=self.query,
                    fragment_id=fragment,
                    is_auto_rerun=True,
                )
                await self._ask(socket, "look", looking)
                continue
            try:
                async with asyncio.timeout(min(end, due) - now):
                    self._take(ForwardMsg.FromString(_bytes(await socket.recv())))
            except TimeoutError:
                continue

    def _take(self, message: ForwardMsg) -> None:
        """Remember what a browser would of a message."""
        match message.WhichOneof("type"):
            case "navigation":
                self.hashes = {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "auto_rerun":
                every = message.auto_rerun.interval
                self.looks[message.auto_rerun.fragment_id] = every, time.perf_counter() + every
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.looks.pop(fragment, None)
            case "delta" if message.delta.WhichOneof("type") == "new_element":
                self._take_element(message.delta.new_element, message.delta.fragment_id)

    def _take_element(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "slider" and FILTER in element.slider.id:
            self.slider = element.slider.id, fragment
        elif kind == "exception":
            self.waits.errors.append(f"{self.page}: {element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.waits.errors.append(f"{self.page}: {element.alert.body}")

    async def _fetch(self) -> None:
        """What the page shows besides, one after the other: the map's buffers, or crops of a gallery."""
        for address in self._addresses():
            began = time.perf_counter()
            answer = await asyncio.to_thread(self.http.get, self.server + address, timeout=PATIENCE)
            self.waits.note("data", began)
            if answer.status_code != 200:
                self.waits.errors.append(f"{address}: {answer.status_code}")

    def _addresses(self) -> Sequence[str]:
        if self.page == "explore":
            return urls.points(self.view, "tsne"), urls.colours(self.view, "cluster", Decisions(filter_percent=20))
        rows = self.rng.integers(0, len(self.view), CROPS)
        return [urls.crop(self.view, int(row), 160) for row in rows]


def _bytes(received: str | bytes) -> bytes:
    if isinstance(received, str):
        raise ValueError(f"a text instead of a message: {received[:200]}")
    return received

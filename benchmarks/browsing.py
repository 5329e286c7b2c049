"""A server under the stop-watch and a browser that looks at it: start, wait, draw, slide."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from comus_core.workspace import Run, Workspace
from tests.app.map_browser import READY, flower

PATIENCE = 300_000  # milliseconds: a peer may be slow, and is measured, not ended
MAP_READY = ".map[data-state=ready]"
ARRIVED = """words => { const pictures = [...document.querySelectorAll('.comus-gallery img')].slice(0, 6);
    return document.body.innerText.includes(words) && pictures.length > 0 &&
        pictures.every(i => i.complete && i.naturalWidth > 0) }"""


@dataclass
class Server:
    """A running server: its address, its process, and when it was started."""

    url: str
    process: subprocess.Popen[bytes]
    started: float

    def memory(self) -> float:
        """MiB resident in the server's own process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextmanager
def served(command: Callable[[int], list[str]], health: str, folder: Path, **environment: str) -> Iterator[Server]:
    """Start `python -m command(port)` and wait until `health` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / f"server-{port}.log").open("w")
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command(port)], env=os.environ | environment, stdout=log, stderr=log
    )
    server = Server(f"http://127.0.0.1:{port}/", process, started)
    try:
        _await(server, health)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def app_on(workspace: Workspace, folder: Path, **environment: str) -> Any:
    """Our app over a workspace; `folder` takes its log."""
    options = ["--workspace", str(workspace.root), "--no-browser"]
    words = ["comus_core", "app", *options, "--port"]
    environment = {"COMUS_NO_LOGIN": "1"} | environment
    return served(lambda port: [*words, str(port)], "api/ready", folder, **environment)


@contextmanager
def opened(browser: Any, sent: list[int]) -> Iterator[Page]:
    """A fresh page; `sent` collects the bytes of every message it sends to the server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.on("websocket", lambda s: s.on("framesent", lambda frame: sent.append(len(frame))))
    yield page
    page.goto("about:blank")
    context.close()


def rest(page: Page) -> None:
    """Wait until the page is connected and its script rests."""
    page.wait_for_selector(READY, timeout=PATIENCE)


def open_map(page: Page, server: Server, run: Run) -> float:
    """Seconds until the map is drawn."""
    start = time.perf_counter()
    page.goto(f"{server.url}explore?run={run.id}")
    page.wait_for_selector(MAP_READY, timeout=PATIENCE)
    seconds = time.perf_counter() - start
    rest(page)
    return seconds


@dataclass(frozen=True)
class Lasso:
    """One lasso: seconds while the mouse was down, seconds from letting go until the pictures came, bytes sent up."""

    drawing: float
    answer: float
    sent: int


def lasso(page: Page, plot: str, words: str, sent: list[int], size: float = 0.4) -> Lasso:
    """Draw around the middle of `plot`; wait until `words` and the first six crops of the gallery are there."""
    box = page.locator(plot).bounding_box()
    assert box is not None
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in flower(0.5, 0.5, size)]
    before = sum(sent)
    start = time.perf_counter()
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    drawn = time.perf_counter()
    page.mouse.up()
    page.wait_for_function(ARRIVED, arg=words, timeout=PATIENCE)
    return Lasso(drawn - start, time.perf_counter() - drawn, sum(sent) - before)


def two_lassos(page: Page, proposals: int, sent: list[int]) -> tuple[Lasso, Lasso]:
    """The first lasso on an open map of so many proposals, and another one after it was cleared."""
    page.locator("button[data-tool=lasso]").click()
    first = lasso(page, ".plot", "proposals selected", sent)
    page.locator(".st-key-clear_selection button").click()
    page.get_by_text(f"All {proposals:,} proposals").wait_for(timeout=PATIENCE)
    rest(page)
    return first, lasso(page, ".plot", "proposals selected", sent, 0.3)


def _await(server: Server, path: str) -> None:
    while True:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.process.returncode}: see its log")
        try:
            urllib.request.urlopen(server.url + path, timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)

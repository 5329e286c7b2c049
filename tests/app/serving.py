"""The real app as a process of its own, and a browser's patience with it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tests.app.map_browser import READY

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 60_000  # milliseconds a page may take for anything on a busy machine, where a test does not say otherwise


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: Playwright leaves a loop running in that of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@contextmanager
def serving(workspace: Path, cwd: Path, **environment: str) -> Iterator[str]:
    """`comus app` on a free port over a workspace, started from `cwd`; gives its address, ending in a slash."""
    words = ["comus_core", "app", "--workspace", str(workspace), "--no-browser", "--port"]
    with answering(lambda port: [*words, str(port)], "api/ready", cwd, cwd, **environment) as url:
        yield url


@contextmanager
def answering(
    module: Callable[[int], list[str]], health: str, cwd: Path, logs: Path, **environment: str
) -> Iterator[str]:
    """A server started as `python -m` with the words for a free port; its address, as soon as `health` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log, url = logs / f"server-{port}.log", f"http://127.0.0.1:{port}/"
    with log.open("w") as output:
        command, env = [sys.executable, "-m", *module(port)], os.environ | environment
        server = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=output)
        try:
            await_answer(url + health, server, log)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def settle(page, text: str = "") -> None:
    """Wait until the page is connected and its script rests, and, if given, until `text` can be seen on it."""
    page.wait_for_selector(READY, timeout=60_000)
    if text:
        page.get_by_text(text).filter(visible=True).first.wait_for(timeout=60_000)
        page.wait_for_selector(READY, timeout=60_000)


def await_answer(url: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until the address answers; fails with the end of the log where the server has ended."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the app did not start:\n{log.read_text()[-2000:]}"
        try:
            urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"{url} does not answer:\n{log.read_text()[-2000:]}")

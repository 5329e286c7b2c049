"""The map alone, served by the harness, and a page on it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.serving import PATIENCE, ROOT, await_answer


@pytest.fixture(scope="package")
def address(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    options |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    options |= {"global.minCachedMessageSize": 1e12}  # as in the app's own settings, which say why
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).with_name("serve.py"))]
    command += [f"--{name}={value}" for name, value in options.items()]
    path = tmp_path_factory.mktemp("harness") / "log"
    with path.open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
        try:
            await_answer(f"http://127.0.0.1:{port}/_stcore/health", server, path)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(15)


@pytest.fixture
def page(browser):
    """A fresh page that may not log an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []

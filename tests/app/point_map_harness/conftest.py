"""The map alone, served by the harness, and a page on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.serving import PATIENCE, ROOT, answering


@pytest.fixture(scope="package")
def address(tmp_path_factory):
    options = {"server.address": "127.0.0.1", "server.headless": "true", "server.fileWatcherType": "none"}
    options |= {"browser.gatherUsageStats": "false"}
    options |= {"global.minCachedMessageSize": 1e12}  # as in the app's own settings, which say why
    flags = [f"--{name}={value}" for name, value in options.items()]
    words = ["streamlit", "run", str(Path(__file__).with_name("serve.py")), *flags]
    logs = tmp_path_factory.mktemp("harness")
    with answering(
        lambda port: [*words, f"--server.port={port}"], "_stcore/health", ROOT, logs, PYTHONPATH=str(ROOT)
    ) as url:
        yield url


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

"""A finished run whose clusters are not perfect, the app over it, and a browser that may not log an error."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from comus_core import discover, make_config, open_workspace
from tests.app.serving import PATIENCE, ROOT, serving
from tests.builders import draw_folder, write_vectors

expect.set_options(timeout=PATIENCE)  # five seconds, the default, say how busy the machine is


@pytest.fixture(scope="session")
def shown(tmp_path_factory):
    """(workspace, run) over 90 drawn photographs with ground truth, 4 of them empty: read it, do not change it.

    Its vectors are noisy and there are more clusters than classes, so that names, filter and matching matter.
    """
    root = tmp_path_factory.mktemp("shown")
    folder = draw_folder(root / "shapes", count=90, empty=4)
    vectors = write_vectors(folder, root / "vectors.npz", noise=3.5)
    workspace = open_workspace(root / "workspace")
    settings = {
        "dataset": str(folder),
        "saliency": {"detector": f"masks:{folder / 'masks'}"},
        "features": {"encoder": f"file:{vectors}"},
        "clustering": {"clusters": 5, "neighbours": 10},
    }
    return workspace, discover(make_config(**settings), workspace)


@pytest.fixture
def changeable(shown, tmp_path):
    """(workspace, run): a copy of the finished run, to be changed at will."""
    workspace, run = shown
    shutil.copytree(workspace.root, tmp_path / "workspace")
    copy = open_workspace(tmp_path / "workspace")
    return copy, copy.runs.get(run.id)


@pytest.fixture(scope="session")
def pair(finished, drawn, drawn_settings, tmp_path_factory):
    """Two runs of the small drawn photographs, the first trained for a round (`comparing.Pair`); do not change them."""
    from tests.app.comparing import make_pair

    return make_pair(finished, drawn, drawn_settings, tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="session")
def address(shown, tmp_path_factory):
    """Where the app shows the finished run; read only."""
    with serving(shown[0].root, tmp_path_factory.mktemp("elsewhere")) as url:
        yield url


@pytest.fixture
def app_test(monkeypatch, shown):
    """`app_test("explore", workspace=..., run=..., proposal=...)`: that page as AppTest, run once."""

    def start(page: str = "", workspace=shown[0], **query: str) -> AppTest:
        monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root if hasattr(workspace, "root") else workspace))
        test = AppTest.from_file(str(ROOT / "app" / "frame.py"), default_timeout=60)
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        return test.switch_page(str(Path("..") / "pages" / f"{page}.py")).run() if page else test

    return start


@pytest.fixture
def open_page(browser):
    """`open_page(width=1440, height=900, scheme="light")`: a fresh browser session; none may log an error."""
    contexts, errors = [], []

    def fresh(width: int = 1440, height: int = 900, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield fresh
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page):
    """One fresh page, 1440 × 900."""
    return open_page()

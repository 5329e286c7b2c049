"""Fifty random walks through the app in Chromium: whatever is done in whatever order, the log holds exactly that.

A walk is reproducible from its seed: `pytest -m slow "tests/app/test_random_walks_browser.py::test_walk[7]"`.
"""

from __future__ import annotations

import shutil

import pytest

from comus_core import open_workspace
from comus_core.runs.run_view import open_run_view
from tests.app.walk_actions import take
from tests.app.walking import OF_THE_RUN, Server, Walk

pytestmark = pytest.mark.browser
SHORT, ALL = range(5), range(5, 50)


@pytest.fixture(scope="module")
def walked(shown, tmp_path_factory):
    """A server over a copy of the finished run, and the run opened."""
    workspace, run = shown
    place = tmp_path_factory.mktemp("walked")
    shutil.copytree(workspace.root, place / "workspace")
    copy = open_workspace(place / "workspace")
    server = Server(copy.root, place)
    yield server, open_run_view(copy, copy.runs.get(run.id))
    server.kill()


def walk(seed: int, browser, walked, steps: int, pages: list[str]) -> None:
    one = Walk(seed, browser, *walked)
    try:
        take(one, steps)
        one.check()
        one.check_pages(pages)
    except BaseException as fault:
        fault.add_note("the walk:\n" + "\n".join(one.trail))
        raise
    finally:
        one.close()


@pytest.mark.slow  # until all fifty have been seen to pass
@pytest.mark.parametrize("seed", SHORT)
def test_short_walk(seed, browser, walked):
    walk(seed, browser, walked, 8, OF_THE_RUN[seed::5])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*SHORT, *ALL])
def test_walk(seed, browser, walked):
    walk(seed, browser, walked, 20, OF_THE_RUN)

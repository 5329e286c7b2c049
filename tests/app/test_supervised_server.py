"""A server sees to it that jobs have a supervisor, also while nobody opens a page."""

import os
import signal

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.server import asgi
from comus_core import jobs, make_config, open_workspace
from comus_core.errors import WorkspaceError
from comus_core.jobs.launcher import supervisor_pid
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import NOT_REACHED, end_all, until


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(tmp_path / "w"))
    monkeypatch.setattr(asgi, "SUPERVISED_EVERY", 0.1)
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


def submitted(place):
    """A job that has no supervisor yet."""
    return jobs.submit(place, "discover", make_config(dataset="demo", **NOT_REACHED), DiscoverSettings("images"), "cpu")


def test_a_killed_supervisor_is_followed_by_another_without_a_page(place):
    with TestClient(Starlette(lifespan=asgi.lifespan)):
        assert supervisor_pid(place) is None
        submitted(place)
        first = until(lambda: supervisor_pid(place))
        os.kill(first, signal.SIGKILL)
        assert until(lambda: (pid := supervisor_pid(place)) != first and pid)


def test_a_fault_is_said_once_and_ends_neither_the_watch_nor_the_server(place, monkeypatch, capsys):
    asked = []

    def refused(_):
        asked.append(1)
        raise WorkspaceError("the disk is gone")

    monkeypatch.setattr(asgi.jobs, "ensure_supervisor", refused)
    with TestClient(Starlette(lifespan=asgi.lifespan)):
        job = submitted(place)
        until(lambda: len(asked) > 2)
        jobs.cancel(place, job.id)
        until(lambda: asgi._supervise() == "")
    assert capsys.readouterr().err.count("the disk is gone") == 1

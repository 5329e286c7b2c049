"""What is broken is said, with what to do, by the command and by the server alike."""

import time
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.server import asgi, ready_route
from comus_core import jobs, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import WorkspaceError
from comus_core.maintenance import health as module
from comus_core.maintenance.health import health, is_ready
from comus_core.person import STRANGER
from comus_core.pipelines.verb_settings import DiscoverSettings


@pytest.fixture
def place(tmp_path):
    return open_workspace(tmp_path)


def of(place):
    return {check.name: check for check in health(place)}


def test_a_fresh_workspace_is_well(place):
    checks = health(place)
    assert is_ready(checks) and [check.name for check in checks] == [
        "database",
        "disk",
        "supervisor",
        "device",
        "weights",
    ]
    assert [check.name for check in health(place, only_needed=True)] == ["database", "disk", "supervisor"]


def test_a_damaged_database_is_named(place):
    place.database.path.write_bytes(b"no database at all" * 100)
    check = of(place)["database"]
    assert not check.well and check.needed and str(place.database.path) in check.words


def test_a_full_disk_says_what_frees_it(place, monkeypatch):
    for free, well in ((10 << 20, False), (1 << 30, True)):
        monkeypatch.setattr(module.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        check = of(place)["disk"]
        assert check.well is well and "`comus clean`" in check.action


def test_a_job_that_nobody_serves_is_said(place):
    jobs.submit(place, "discover", make_config(dataset="demo"), DiscoverSettings())
    check = of(place)["supervisor"]
    assert not check.well and "1 job" in check.words and "`comus jobs list`" in check.action


def test_a_gpu_that_is_promised_and_not_there_is_said(place, monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(module, "DEVICES", tmp_path)
    check = of(place)["device"]
    assert not check.well and not check.needed and "CUDA_VISIBLE_DEVICES" in check.words
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(module, "DRIVER", tmp_path / "none")
    assert "driver" in of(place)["device"].words


def test_missing_weights_are_said_and_do_not_keep_the_server_from_answering(place, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "weights_table", lambda: [(None, tmp_path / "empty.pth")])
    (tmp_path / "empty.pth").touch()
    check = of(place)["weights"]
    assert not check.well and "empty.pth" in check.words and is_ready(health(place))


def test_command_and_server_say_the_same(place, monkeypatch):
    jobs.submit(place, "discover", make_config(dataset="demo"), DiscoverSettings())
    said = CliRunner().invoke(cli, ["doctor", "--workspace", str(place.root)]).output
    assert "supervisor: NOT WELL: none runs" in said and "database: 0 runs" in said
    monkeypatch.setenv("COMUS_WORKSPACE", str(place.root))
    answer = TestClient(Starlette(routes=asgi.routes())).get("/api/ready")
    assert answer.status_code == 503 and answer.json()["ready"] is False
    assert answer.json()["checks"]["supervisor"]["do"].startswith("`comus jobs list`")


def test_strangers_neither_wait_for_a_writer_nor_are_looked_up_for_each_time(place, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(place.root))
    monkeypatch.setattr(ready_route, "acting", lambda: STRANGER)
    looked, real = [], ready_route.health
    monkeypatch.setattr(ready_route, "health", lambda *args, **how: looked.append(how) or real(*args, **how))
    client = TestClient(Starlette(routes=asgi.routes()))
    jobs.list_jobs(place)  # makes the table, as the start of a server does
    with place.database.writing():
        began = time.monotonic()
        assert [client.get("/api/ready").json() for _ in range(3)] == [{"ready": True}] * 3
        assert time.monotonic() - began < 10  # a writer is waited for 30 s
    assert looked == [{"only_needed": True}]
    monkeypatch.setattr(ready_route, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert client.get("/api/ready").json() == {"ready": False} and len(looked) == 2


def test_a_workspace_that_cannot_be_opened_is_not_ready(monkeypatch):
    def broken():
        raise WorkspaceError("the disk is gone")

    monkeypatch.setattr(ready_route, "workspace", broken)
    answer = TestClient(Starlette(routes=asgi.routes())).get("/api/ready")
    assert answer.status_code == 503 and answer.json() == {"ready": False, "error": "the disk is gone"}

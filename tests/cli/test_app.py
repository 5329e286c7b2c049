import os
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from comus_core import open_workspace
from comus_core.cli import app as module
from comus_core.cli.main import cli
from comus_core.errors import SettingsError, WorkspaceError
from tests.app.serving import ROOT, serving

pytestmark = pytest.mark.thorough


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_address_opens_on_the_run_asked_for(finished):
    workspace, run = finished
    here, everywhere = module.Served("127.0.0.1", 8501), module.Served("0.0.0.0", 9000)
    assert module.address(workspace, here, None) == "http://127.0.0.1:8501/"
    assert module.address(workspace, everywhere, run.id[:8]) == f"http://127.0.0.1:9000/explore?run={run.id}"
    assert module.address(workspace, module.Served("::1", 9000), None) == "http://[::1]:9000/"
    below = module.Served("127.0.0.1", 8501, "our comus/app")
    assert module.address(workspace, below, run.id) == f"http://127.0.0.1:8501/our%20comus/app/explore?run={run.id}"
    with pytest.raises(WorkspaceError, match="comus runs"):
        module.address(workspace, here, "nothing")


def test_a_port_in_use_is_said_before_the_server_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(cli, ["app", "--workspace", str(tmp_path), "--port", port, "--no-browser"])
    assert isinstance(done.exception, SettingsError) and "another --port" in str(done.exception)


def test_without_a_screen_no_browser_is_looked_for(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert module.has_browser() is False


def test_a_browser_is_opened_once_the_server_answers(monkeypatch, finished, tmp_path):
    opened = []
    monkeypatch.setattr(module.webbrowser, "open", opened.append)
    with serving(finished[0].root, tmp_path) as url:
        module._open_when_ready(module.Served("127.0.0.1", urlsplit(url).port), url)
    assert opened == [url]


def test_comus_app_serves_pages_and_routes_from_any_folder_and_ends_when_told(finished, tmp_path):
    with serving(finished[0].root, tmp_path) as url:
        page = urllib.request.urlopen(url, timeout=10)
        assert page.status == 200 and b"<html" in page.read()
        assert b'"runs":' in urllib.request.urlopen(f"{url}api/ready", timeout=10).read()


def test_streamlit_run_serves_pages_and_routes_from_any_folder(tmp_path):
    open_workspace(tmp_path / "workspace")
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), "--server.port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"COMUS_WORKSPACE": str(tmp_path / "workspace")})
    try:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            try:
                answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=5)
                break
            except OSError:
                time.sleep(0.3)
        assert b'"runs":0' in answer.read()
        with pytest.raises(OSError):  # it listens on this machine alone, as its own settings file says
            socket.create_connection(("127.0.0.2", port), timeout=2)
    finally:
        server.terminate()
        server.wait(15)

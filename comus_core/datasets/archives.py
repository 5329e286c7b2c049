"""Archives of published data sets: downloaded with resume, checked, unpacked."""

from __future__ import annotations

import hashlib
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from comus_core.datasets.published import Archive
from comus_core.errors import DatasetError
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.weights.download import network_reachable

_CHUNK, _READ_SECONDS = 1 << 20, 60.0


def fetch(archive: Archive, folder: Path, on_progress: OnProgress = no_progress) -> Path:
    """The archive's file in a folder, checked; what is there, whole or in part, is not downloaded again.

    Args:
        archive: what to download. A file of its name that was brought here by hand is checked and used.
        folder: where to keep it. Until it is complete it is called `NAME.part`, and the next call goes on from there.
        on_progress: gets bytes done and bytes in all, 0 if unknown; raising `Cancelled` in it keeps what has come.

    Raises:
        DatasetError: no network, a server's refusal, a download that stopped, or a file that is not the published one.
    """
    target = folder / archive.filename
    if not target.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{archive.filename}.part"
        _download(archive, partial, on_progress)
        _check(archive, partial, on_progress)
        partial.replace(target)
        return target
    _check(archive, target, on_progress)
    return target


def unpack(file: Path, folder: Path, on_progress: OnProgress = no_progress) -> None:
    """Unpack a tar or zip archive below a folder; members that would leave it are refused.

    Files that are there with the size of the member are left as they are, so that a second call completes a first one.

    Raises:
        DatasetError: the archive is damaged, or a member points outside.
    """
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as zipped:
                _unpack_zip(zipped, folder, on_progress)
        else:
            with tarfile.open(file) as tarred:
                _unpack_tar(tarred, folder, on_progress)
    except OSError as error:  # of the disk: the archive was checked
        raise DatasetError(f"{file}: cannot be unpacked to {folder} ({error}); the same command goes on") from None
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DatasetError(f"{file}: cannot be unpacked ({error}); delete it and download it again") from None


def _unpack_zip(zipped: zipfile.ZipFile, folder: Path, on_progress: OnProgress) -> None:
    members = [member for member in zipped.infolist() if not member.is_dir()]
    root = folder.resolve()
    for number, member in enumerate(members):
        on_progress(Progress("unpacking", number, len(members)))
        place = (folder / member.filename).resolve()
        if not place.is_relative_to(root):
            raise DatasetError(f"{zipped.filename}: {member.filename} would be written outside of {folder}; refused")
        if not (place.is_file() and place.stat().st_size == member.file_size):
            zipped.extract(member, folder)
    on_progress(Progress("unpacking", len(members), len(members)))


def _unpack_tar(tarred: tarfile.TarFile, folder: Path, on_progress: OnProgress) -> None:
    for number, member in enumerate(tarred):
        on_progress(Progress("unpacking", number, 0))
        place = folder / member.name
        if not (member.isfile() and place.is_file() and place.stat().st_size == member.size):
            tarred.extract(member, folder, filter="data")  # refuses what would leave the folder


def _download(archive: Archive, partial: Path, on_progress: OnProgress) -> None:
    """Append what is missing to the partial file."""
    have = partial.stat().st_size if partial.exists() else 0
    if archive.n_bytes is not None and have >= archive.n_bytes:
        return
    if not network_reachable(archive.url):
        host = urllib.parse.urlsplit(archive.url).hostname
        raise DatasetError(
            f"no network: {host} cannot be reached from this machine. Download {archive.url} elsewhere, put it at "
            f"{partial.with_name(archive.filename)} and give the same command: the file is checked and unpacked"
        )
    try:
        with _open(archive.url, have) as response:
            if have and response.status != 206:  # the server cannot resume
                have = 0
            left = int(response.headers.get("Content-Length") or 0)
            total = have + left if left else archive.n_bytes or 0
            with partial.open("ab" if have else "wb") as stream:
                for done in _copied(response, stream, have):
                    on_progress(Progress("download", done, total))
                    have = done
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to send: whether it is the published file is checked next
            return
        raise DatasetError(f"{archive.url}: the server says {error.code} {error.reason}; try again later") from None
    except (HTTPException, OSError) as error:
        raise DatasetError(
            f"the download of {archive.url} stopped ({error}); the same command goes on after {have:,} bytes"
        ) from None
    if total and have < total:
        raise DatasetError(
            f"the download of {archive.url} stopped after {have:,} of {total:,} bytes; the same command goes on"
        )


def _open(url: str, start: int) -> Any:
    headers = {"User-Agent": "comus-explorer"} | ({"Range": f"bytes={start}-"} if start else {})
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_READ_SECONDS)


def _copied(response: Any, stream: Any, done: int) -> Iterator[int]:
    while chunk := response.read(_CHUNK):
        stream.write(chunk)
        done += len(chunk)
        yield done


def _check(archive: Archive, file: Path, on_progress: OnProgress) -> None:
    """Raise `DatasetError` unless the file is the published one; a wrong one is removed if it was downloaded here."""
    have = file.stat().st_size
    fault = f"it has {have:,} bytes, not {archive.n_bytes:,}" if archive.n_bytes not in (None, have) else ""
    if not fault and archive.checksum is not None:
        name, wanted = archive.checksum
        found = _digest(file, name, have, on_progress)
        fault = f"its {name.upper()} is {found}, not {wanted}" if found != wanted else ""
    if not fault:
        return
    if file.suffix == ".part":
        file.unlink()
        raise DatasetError(f"{archive.url}: what came is not the published file ({fault}); download it again")
    raise DatasetError(f"{file}: this is not the published file ({fault}); remove it and give the same command")


def _digest(file: Path, name: str, total: int, on_progress: OnProgress) -> str:
    digest, done = hashlib.new(name), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            on_progress(Progress("checksum", done, total))
    return digest.hexdigest()

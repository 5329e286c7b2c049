"""Unpack an uploaded zip as a folder of images in the workspace, after checking that it is safe."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from comus_core.datasets.class_lists import CLASS_FILES
from comus_core.datasets.records import slug
from comus_core.datasets.upload_names import keep_names, upload_names
from comus_core.errors import DatasetError
from comus_core.files.atomic import disk_error
from comus_core.files.file_kinds import EXTENSIONS, HEAD_BYTES, NOT_IMAGES, begins_as_image
from comus_core.files.own_folders import own_in_zip
from comus_core.files.own_places import UPLOADS, make_own, own_place
from comus_core.person import require_operator

BLOCK = 1 << 20
ODD = re.compile(r"\0|^[A-Za-z]:")  # a Windows drive, or a zero byte

OnFile = Callable[[int, int], None]  # (files done, files in all)


@dataclass(frozen=True)
class Limits:
    """Limits of an upload.

    Attributes:
        files: images in the zip.
        total_bytes: of all of them, unpacked.
        file_bytes: of each.
        ratio: unpacked to packed; photographs hardly shrink, masks and bitmaps shrink a lot but are small.
        ratio_above: bytes unpacked from which the ratio is checked.
        spare_bytes: that must stay free on the disk.
    """

    files: int = 200_000
    total_bytes: int = 64 * 2**30
    file_bytes: int = 512 * 2**20
    ratio: float = 100.0
    ratio_above: int = 32 * 2**20
    spare_bytes: int = 2**30


@dataclass(frozen=True)
class Unpacked:
    """The result of unpacking a zip.

    Attributes:
        folder: of the images.
        images: their number.
        left_out: the number of other files in the zip.
        renamed: (path in the zip, path in the folder) of files whose names are invalid or not distinct on every system;
            also stored in the folder.
    """

    folder: Path
    images: int
    left_out: int
    renamed: tuple[tuple[str, str], ...] = ()


def unpack(
    source: IO[bytes], name: str, workspace: Path, limits: Limits | None = None, on_file: OnFile | None = None
) -> Unpacked:
    """Check a zip and unpack its images below `uploads/` of the workspace, all of them or nothing.

    Only images and class lists are unpacked; hidden and other files are ignored. A single top folder is stripped, so
    that `photos/images/…` and `images/…` are equivalent. A name that is too long, or differs from another only in case,
    is changed, for an image and its mask alike. Files are never executed or followed as links, and are not decoded.
    `source` is seekable; the folder is called after `name`, that of the zip; `on_file` is called after every file.

    Raises:
        DatasetError: not a zip, damaged, encrypted, with paths outside it or links, over the limits, or without images.
        WorkspaceError: the disk is full or not writable.
    """
    require_operator()
    bounds, uploads = limits or Limits(), own_place(workspace, UPLOADS)
    try:
        with zipfile.ZipFile(source) as archive:
            chosen, renamed, left_out = _select(archive, name, bounds)
            make_own(uploads)
            _require_space(chosen, uploads, bounds)
            partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=uploads))
            try:
                _extract(archive, chosen, partial, on_file or (lambda done, of: None))
                keep_names(partial, renamed)
                folder = _move_into_place(partial, uploads, slug(PurePosixPath(name).stem))
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{name}: not a readable zip ({error}); pack the images again") from None
    except OSError as error:
        raise disk_error(error, uploads) from error
    images = sum(1 for target in chosen.values() if target.name not in CLASS_FILES)
    return Unpacked(folder, images, left_out, renamed)


def uploaded_folders(workspace: Path) -> list[Path]:
    """The folders of earlier uploads, newest first."""
    folders = [p for p in own_place(workspace, UPLOADS).glob("*") if p.is_dir() and not p.name.startswith(".")]
    return sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)


def _select(
    archive: zipfile.ZipFile, name: str, limits: Limits
) -> tuple[dict[zipfile.ZipInfo, PurePosixPath], tuple[tuple[str, str], ...], int]:
    """The entries to unpack with their paths, which of these are renamed, and the number of ignored files.

    Raises:
        DatasetError: any entry is unsafe, even one that would be ignored.
    """
    files = {entry: _place(entry) for entry in archive.infolist() if not entry.is_dir()}
    for entry in files:
        _require_safe(entry, name, limits)
    own = own_in_zip(archive, files)
    places = {entry: place for entry, place in files.items() if _is_wanted(archive, entry, place, own)}
    if not any(place.name not in CLASS_FILES for place in places.values()):
        raise DatasetError(f"{name}: no images in it (looked for {', '.join(e[1:] for e in EXTENSIONS)})")
    _require_within(list(places), name, limits)
    originals = _without_top(places)
    targets = upload_names(originals)
    renamed = tuple(
        (str(originals[entry]), str(targets[entry])) for entry in originals if originals[entry] != targets[entry]
    )
    return targets, renamed, len(files) - len(places)


def _without_top(places: dict[zipfile.ZipInfo, PurePosixPath]) -> dict[zipfile.ZipInfo, PurePosixPath]:
    """The paths without a single top folder."""
    tops = {place.parts[0] if len(place.parts) > 1 else "" for place in places.values()}
    if len(tops) != 1 or tops == {""}:
        return places
    return {entry: PurePosixPath(*place.parts[1:]) for entry, place in places.items()}


def _place(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry; some programs write backslashes between folders."""
    return PurePosixPath(entry.filename.replace("\\", "/"))


def _require_safe(entry: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    written = entry.orig_filename
    place = _place(entry)
    if place.is_absolute() or ".." in place.parts or not place.parts or ODD.search(written):
        raise DatasetError(f"{name}: {written[:100]!r} is not a path inside the zip; nothing was unpacked")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise DatasetError(f"{name}: {written[:100]!r} is a link or device, not a file; nothing was unpacked")
    if entry.flag_bits & 0x1:
        raise DatasetError(f"{name}: encrypted; pack it without a password")
    if entry.file_size > limits.ratio_above and entry.file_size > limits.ratio * max(1, entry.compress_size):
        raise DatasetError(
            f"{name}: {written[:100]!r} expands {entry.file_size / max(1, entry.compress_size):,.0f}-fold; "
            "nothing was unpacked"
        )


def _require_within(entries: Sequence[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    if len(entries) > limits.files:
        raise DatasetError(f"{name}: {len(entries):,} images; upload at most {limits.files:,} at a time")
    largest = max(entries, key=lambda entry: entry.file_size)
    if largest.file_size > limits.file_bytes:
        raise DatasetError(
            f"{name}: {largest.filename[:100]!r} has {largest.file_size:,} bytes; the limit is {limits.file_bytes:,}"
        )
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > limits.total_bytes:
        raise DatasetError(f"{name}: {total:,} bytes unpacked; the limit is {limits.total_bytes:,}")
    if total > limits.ratio_above and total > limits.ratio * max(1, packed):
        raise DatasetError(f"{name}: expands {total / max(1, packed):,.0f}-fold; nothing was unpacked")


def _require_space(entries: dict[zipfile.ZipInfo, PurePosixPath], folder: Path, limits: Limits) -> None:
    total, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if total + limits.spare_bytes > free:
        raise DatasetError(f"{total:,} bytes to unpack, {free:,} free at {folder}: free some space and try again")


def _is_wanted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: PurePosixPath, own: set[PurePosixPath]) -> bool:
    if own & {place, *place.parents} or any(part.startswith((".", "__MACOSX")) for part in place.parts):
        return False
    suffix = place.suffix.lower()
    if suffix in EXTENSIONS or (place.name in CLASS_FILES and len(place.parts) <= 2):
        return True
    if suffix in NOT_IMAGES:
        return False
    with archive.open(entry) as packed:
        return begins_as_image(packed.read(HEAD_BYTES))


def _extract(
    archive: zipfile.ZipFile, chosen: dict[zipfile.ZipInfo, PurePosixPath], folder: Path, on_file: OnFile
) -> None:
    for done, (entry, place) in enumerate(chosen.items(), start=1):
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as packed, target.open("xb") as file:
            _copy(packed, file, entry)
        on_file(done, len(chosen))


def _copy(packed: IO[bytes], file: IO[bytes], entry: zipfile.ZipInfo) -> None:
    """Copy an entry; stop if it has more bytes than listed."""
    remaining = entry.file_size
    while block := packed.read(BLOCK):
        remaining -= len(block)
        if remaining < 0:
            raise zipfile.BadZipFile(f"{entry.filename[:100]!r} has more bytes than listed")
        file.write(block)


def _move_into_place(partial: Path, uploads: Path, name: str) -> Path:
    """Give the folder its final name, with a number if that is taken."""
    partial.chmod(0o755)
    for number in range(1, 100_000):
        folder = uploads / (name if number == 1 else f"{name}-{number}")
        try:
            if not folder.exists():
                os.rename(partial, folder)
                return folder
        except OSError:
            if not folder.exists():
                raise
    raise DatasetError(f"{uploads}: too many folders with the name {name}; rename the zip")

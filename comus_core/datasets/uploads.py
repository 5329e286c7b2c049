"""A zip that came in through the browser becomes a folder of images in the workspace, if nothing about it is odd."""

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

BLOCK = 1 << 20
ODD = re.compile(r"\0|^[A-Za-z]:")  # another system's drive, or an end of text that is none

OnFile = Callable[[int, int], None]  # files done, of how many


@dataclass(frozen=True)
class Limits:
    """What an honest pile of photographs stays below.

    Attributes:
        files: images in the zip.
        total_bytes: of all of them, unpacked.
        file_bytes: of each.
        ratio: unpacked to packed; photographs hardly shrink, flat masks and bitmaps shrink a lot but are small.
        ratio_above: bytes unpacked below which the ratio does not matter.
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
    """What became of a zip.

    Attributes:
        folder: where its images are.
        images: how many.
        left_out: other files of the zip, and what this program made itself.
        renamed: (path in the zip, path in the folder) of files whose names not every system takes, or takes for one;
            the folder keeps that too.
    """

    folder: Path
    images: int
    left_out: int
    renamed: tuple[tuple[str, str], ...] = ()


def unpack(
    source: IO[bytes], name: str, workspace: Path, limits: Limits | None = None, on_file: OnFile | None = None
) -> Unpacked:
    """Check a zip and unpack its images below `uploads/` of the workspace, all of them or nothing.

    Only image files are taken, and lists of classes; hidden files and the rest are left out. One folder that holds
    everything is stripped, so that `photos/images/…` and `images/…` mean the same. A name that is too long, or that
    another file has but for its case, is changed; a mask's along with its image's. Files are never run, linked or
    trusted: decoding is left to the check of the images, which sets broken ones aside.

    Args:
        source: the zip, open for reading and seekable.
        name: its file name, after which the folder is called.
        workspace: the workspace's folder.
        limits: bounds; None for the usual ones.
        on_file: told of every file unpacked.

    Raises:
        DatasetError: no zip, damaged, encrypted, paths that lead outside, links, more than the limits, no image; says
            which.
        WorkspaceError: the disk is full or not writable.
    """
    bounds, uploads = limits or Limits(), own_place(workspace, UPLOADS)
    try:
        with zipfile.ZipFile(source) as archive:
            chosen, renamed, left_out = _chosen(archive, name, bounds)
            make_own(uploads)
            _require_space(chosen, uploads, bounds)
            partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=uploads))
            try:
                _extract(archive, chosen, partial, on_file or (lambda done, of: None))
                keep_names(partial, renamed)
                folder = _settle(partial, uploads, slug(PurePosixPath(name).stem))
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DatasetError(f"{name}: not a zip that can be read ({error}); pack the images anew") from None
    except OSError as error:
        raise disk_error(error, uploads) from error
    images = sum(1 for target in chosen.values() if target.name not in CLASS_FILES)
    return Unpacked(folder, images, left_out, renamed)


def uploaded_folders(workspace: Path) -> list[Path]:
    """What was unpacked before, newest first."""
    found = [p for p in own_place(workspace, UPLOADS).glob("*") if p.is_dir() and not p.name.startswith(".")]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def _chosen(
    archive: zipfile.ZipFile, name: str, limits: Limits
) -> tuple[dict[zipfile.ZipInfo, PurePosixPath], tuple[tuple[str, str], ...], int]:
    """The entries to unpack with their places, which of these are not as given, and the number of files left out.

    Raises:
        DatasetError: anything odd in any entry, wanted or not: such a zip is not to be trusted at all.
    """
    files = {entry: _place(entry) for entry in archive.infolist() if not entry.is_dir()}
    for entry in files:
        _require_honest(entry, name, limits)
    own = own_in_zip(archive, files)
    places = {entry: place for entry, place in files.items() if _is_wanted(archive, entry, place, own)}
    if not any(place.name not in CLASS_FILES for place in places.values()):
        raise DatasetError(f"{name}: no image in it (looked for {', '.join(e[1:] for e in EXTENSIONS)})")
    _require_bounded(list(places), name, limits)
    given = _without_top(places)
    named = upload_names(given)
    renamed = tuple((str(given[entry]), str(named[entry])) for entry in given if given[entry] != named[entry])
    return named, renamed, len(files) - len(places)


def _without_top(places: dict[zipfile.ZipInfo, PurePosixPath]) -> dict[zipfile.ZipInfo, PurePosixPath]:
    """The places without the one folder that holds everything."""
    tops = {place.parts[0] if len(place.parts) > 1 else "" for place in places.values()}
    if len(tops) != 1 or tops == {""}:
        return places
    return {entry: PurePosixPath(*place.parts[1:]) for entry, place in places.items()}


def _place(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Where an entry lies; a backslash separates folders, as the programs write it that use one."""
    return PurePosixPath(entry.filename.replace("\\", "/"))


def _require_honest(entry: zipfile.ZipInfo, name: str, limits: Limits) -> None:
    written = entry.orig_filename
    place = _place(entry)
    if place.is_absolute() or ".." in place.parts or not place.parts or ODD.search(written):
        raise DatasetError(f"{name}: {written[:100]!r} is no plain path inside the zip; nothing was unpacked")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise DatasetError(f"{name}: {written[:100]!r} is a link or device, not a file; nothing was unpacked")
    if entry.flag_bits & 0x1:
        raise DatasetError(f"{name}: encrypted; pack it without a password")
    if entry.file_size > limits.ratio_above and entry.file_size > limits.ratio * max(1, entry.compress_size):
        raise DatasetError(
            f"{name}: {written[:100]!r} would grow {entry.file_size / max(1, entry.compress_size):,.0f}-fold; "
            "nothing was unpacked"
        )


def _require_bounded(entries: Sequence[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    if len(entries) > limits.files:
        raise DatasetError(f"{name}: {len(entries):,} images; at most {limits.files:,} can be uploaded at a time")
    largest = max(entries, key=lambda entry: entry.file_size)
    if largest.file_size > limits.file_bytes:
        raise DatasetError(
            f"{name}: {largest.filename[:100]!r} has {largest.file_size:,} bytes; at most {limits.file_bytes:,} each"
        )
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if total > limits.total_bytes:
        raise DatasetError(f"{name}: {total:,} bytes unpacked; at most {limits.total_bytes:,} can be uploaded")
    if total > limits.ratio_above and total > limits.ratio * max(1, packed):
        raise DatasetError(f"{name}: would grow {total / max(1, packed):,.0f}-fold; nothing was unpacked")


def _require_space(entries: dict[zipfile.ZipInfo, PurePosixPath], folder: Path, limits: Limits) -> None:
    total, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if total + limits.spare_bytes > free:
        raise DatasetError(f"{total:,} bytes to unpack, {free:,} free at {folder}: make room, or use a folder in place")


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
    """Copy an entry; one that holds more than its listing says is a trap and stops at once."""
    left = entry.file_size
    while block := packed.read(BLOCK):
        left -= len(block)
        if left < 0:
            raise zipfile.BadZipFile(f"{entry.filename[:100]!r} holds more than it says")
        file.write(block)


def _settle(partial: Path, uploads: Path, wanted: str) -> Path:
    """Give the folder its name, with a number behind it where that is taken."""
    partial.chmod(0o755)
    for number in range(1, 100_000):
        folder = uploads / (wanted if number == 1 else f"{wanted}-{number}")
        try:
            if not folder.exists():
                os.rename(partial, folder)
                return folder
        except OSError:
            if not folder.exists():
                raise
    raise DatasetError(f"{uploads}: too many folders called {wanted}")

"""By what a folder is known as this program's own: a workspace, a bundle that was unpacked, a folder of results."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.files.own_places import MARK

DATABASE = "comus.sqlite"  # in every workspace
OF_BUNDLE = ("artifacts", "truth")  # folders of a bundle that hold what this program made
MARKER = ".comus-output.json"  # in every folder of results
LISTING = "bundle.json"  # in every bundle, beside `artifacts/`
_KIND_BY_FILE = {DATABASE: "workspace", LISTING: "bundle", MARKER: "results", MARK: "own"}
MOST_MARKER = 64 << 20  # bytes of a marker in a zip: a million files
VERSION = 1  # of the marker; raised when an older program could not tell what a newer one wrote


@dataclass(frozen=True)
class Marker:
    """What a folder of results says of itself.

    Attributes:
        kind: what made it, such as "predictions".
        alone: whether it held nothing else when it was begun; else it is somebody's folder with results in it.
        files: path below the folder -> SHA-256 of what may have been written there, the last one first; two while a
            newer result takes an earlier one's place.
        about: what the results are of, such as the run.
    """

    kind: str
    alone: bool = True
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


def read_marker(folder: Path) -> Marker | None:
    """What the folder says of itself; None if it is no folder of results.

    Raises:
        WorkspaceError: its marker is damaged, or of a newer program.
    """
    path = folder / MARKER
    try:
        return marker_of(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorkspaceError(f"{path}: it cannot be read ({error.strerror}); choose another folder") from None


def marker_of(content: bytes, name: str) -> Marker:
    """A marker from the bytes of its file, which is called `name` in what is said of it.

    Raises:
        WorkspaceError: as `read_marker`.
    """
    try:
        told = json.loads(content)
        if told["version"] > VERSION:
            raise WorkspaceError(f"{name}: written by a newer program (version {told['version']}): update this one")
        files = {str(file): tuple(map(str, hashes)) for file, hashes in told["files"].items()}
        return Marker(str(told["kind"]), bool(told["alone"]), files, dict(told["about"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"{name}: it cannot be read ({error!r}); choose another folder") from None


def marker_json(marker: Marker) -> dict[str, Any]:
    """What `read_marker` reads."""
    return {
        "program": "comus",
        "version": VERSION,
        "kind": marker.kind,
        "alone": marker.alone,
        "about": marker.about,
        "files": {name: list(hashes) for name, hashes in sorted(marker.files.items())},
    }


def own_kind(subfolders: Collection[str], names: Collection[str]) -> str | None:
    """What kind of folder of this program's it is that holds these: "workspace", "bundle", "results", "own", or None.

    "own" is a folder that this program made in a workspace.
    """
    if MARK in names:
        return "own"
    if DATABASE in names:
        return "workspace"
    if LISTING in names and "artifacts" in subfolders:
        return "bundle"
    return "results" if MARKER in names else None


def own_in_zip(archive: zipfile.ZipFile, places: Mapping[zipfile.ZipInfo, PurePosixPath]) -> set[PurePosixPath]:
    """Folders and files of a zip that hold what this program made, by the rules of a walk over a folder.

    Args:
        archive: the zip, open.
        places: its files, each with its path.
    """
    if not places:
        return set()
    top = PurePosixPath(os.path.commonpath([f"./{place.parent}" for place in places.values()]))
    holding = {above for place in places.values() for above in place.parents}
    own: set[PurePosixPath] = set()
    for entry, place in places.items():
        folder, kind = place.parent, _KIND_BY_FILE.get(place.name)
        if kind == "results":
            marker = _zipped_marker(archive, entry)
            whole = marker.alone and folder != top
            own |= {folder} if whole else {folder / name for name in marker.files}
        elif kind == "bundle" and folder / "artifacts" in holding:
            own |= {folder} if folder != top else {folder / name for name in OF_BUNDLE}
        elif kind in ("workspace", "own") and folder != top:
            own.add(folder)
    return own


def _zipped_marker(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Marker:
    """The marker of a zip; one that cannot be read says that all in its folder is this program's."""
    try:
        if entry.file_size > MOST_MARKER:
            return Marker("")
        return marker_of(archive.read(entry), entry.filename)
    except WorkspaceError:
        return Marker("")


def is_bundle_file(path: Path) -> bool:
    """Whether a file is a zip that `comus bundle` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return LISTING in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False

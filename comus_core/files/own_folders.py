"""How to recognise a folder that COMUS wrote: a workspace, an unpacked bundle, a folder of results."""

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
OF_BUNDLE = ("artifacts", "truth")  # folders of a bundle that COMUS wrote
MARKER = ".comus-output.json"  # in every folder of results
LISTING = "bundle.json"  # in every bundle, beside `artifacts/`
_KIND_BY_FILE = {DATABASE: "workspace", LISTING: "bundle", MARKER: "results", MARK: "own"}
MAX_MARKER = 64 << 20  # bytes of a marker in a zip: a million files
VERSION = 1  # of the marker; raised when an older program cannot read what a newer one wrote


@dataclass(frozen=True)
class Marker:
    """The content of a marker file, which describes a folder of results.

    Attributes:
        kind: of the results, such as "predictions".
        alone: whether the folder was empty before the results; else it is a person's folder with results in it.
        files: path below the folder -> SHA-256 of what may have been written there, the newest first; two while a newer
            result replaces an earlier one.
        about: the source of the results, such as the run.
    """

    kind: str
    alone: bool = True
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder; None if it is not a folder of results.

    Raises:
        WorkspaceError: the marker is damaged, or a newer version wrote it.
    """
    path = folder / MARKER
    try:
        return marker_of(path.read_bytes(), str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WorkspaceError(f"cannot read {path}: {error.strerror}; choose another folder") from None


def marker_of(content: bytes, name: str) -> Marker:
    """A marker from the bytes of its file; error messages call the file `name`.

    Raises:
        WorkspaceError: as `read_marker`.
    """
    try:
        fields = json.loads(content)
        if fields["version"] > VERSION:
            raise WorkspaceError(
                f"{name}: written by a newer version of COMUS (marker version {fields['version']}): update COMUS"
            )
        files = {str(file): tuple(map(str, hashes)) for file, hashes in fields["files"].items()}
        return Marker(str(fields["kind"]), bool(fields["alone"]), files, dict(fields["about"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"cannot read {name} ({error!r}); choose another folder") from None


def marker_json(marker: Marker) -> dict[str, Any]:
    """A marker as the JSON that `read_marker` reads."""
    return {
        "program": "comus",
        "version": VERSION,
        "kind": marker.kind,
        "alone": marker.alone,
        "about": marker.about,
        "files": {name: list(hashes) for name, hashes in sorted(marker.files.items())},
    }


def own_kind(subfolders: Collection[str], names: Collection[str]) -> str | None:
    """The kind of COMUS folder that has this content: "workspace", "bundle", "results", "own", or None.

    "own" is a folder that COMUS created in a workspace.
    """
    if MARK in names:
        return "own"
    if DATABASE in names:
        return "workspace"
    if LISTING in names and "artifacts" in subfolders:
        return "bundle"
    return "results" if MARKER in names else None


def own_in_zip(archive: zipfile.ZipFile, places: Mapping[zipfile.ZipInfo, PurePosixPath]) -> set[PurePosixPath]:
    """Folders and files of a zip that COMUS wrote, by the same rules as for folders on disk."""
    if not places:
        return set()
    top = PurePosixPath(os.path.commonpath([f"./{place.parent}" for place in places.values()]))
    folders = {above for place in places.values() for above in place.parents}
    own: set[PurePosixPath] = set()
    for entry, place in places.items():
        folder, kind = place.parent, _KIND_BY_FILE.get(place.name)
        if kind == "results":
            marker = _zipped_marker(archive, entry)
            entire_folder = marker.alone and folder != top
            own |= {folder} if entire_folder else {folder / name for name in marker.files}
        elif kind == "bundle" and folder / "artifacts" in folders:
            own |= {folder} if folder != top else {folder / name for name in OF_BUNDLE}
        elif kind in ("workspace", "own") and folder != top:
            own.add(folder)
    return own


def _zipped_marker(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Marker:
    """A marker inside a zip; an unreadable one claims its whole folder for COMUS."""
    try:
        if entry.file_size > MAX_MARKER:
            return Marker("")
        return marker_of(archive.read(entry), entry.filename)
    except WorkspaceError:
        return Marker("")


def is_bundle_file(path: Path) -> bool:
    """Whether a file is a zip written by `comus bundle`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return LISTING in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False

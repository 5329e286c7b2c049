"""By what a folder is known as this program's own: a workspace, a bundle that was unpacked, a folder of results."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError

DATABASE = "comus.sqlite"  # in every workspace
INSIDE = {  # kind of folder -> folders in it that hold what this program made
    "workspace": ("artifacts", "bundles", "cache", "jobs", "predictions"),
    "bundle": ("artifacts", "truth"),
}
MARKER = ".comus-output.json"  # in every folder of results
LISTING = "bundle.json"  # in every bundle, beside `artifacts/`
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
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["version"] > VERSION:
            raise WorkspaceError(f"{path}: written by a newer program (version {told['version']}): update this one")
        files = {str(name): tuple(map(str, hashes)) for name, hashes in told["files"].items()}
        return Marker(str(told["kind"]), bool(told["alone"]), files, dict(told["about"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"{path}: it cannot be read ({error!r}); choose another folder") from None


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
    """What kind of folder of this program's it is that holds these: "workspace", "bundle", "results", or None."""
    if DATABASE in names:
        return "workspace"
    if LISTING in names and "artifacts" in subfolders:
        return "bundle"
    return "results" if MARKER in names else None


def is_bundle_file(path: Path) -> bool:
    """Whether a file is a zip that `comus bundle` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return LISTING in archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False

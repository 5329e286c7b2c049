"""The artifacts in the store, finished or not, and their inputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core.files.file_locks import is_locked, lock_holder
from comus_core.files.process_identity import ProcessIdentity
from comus_core.workspace.manifest import KEY, read_manifest

PARTIAL = ".partial"


@dataclass(frozen=True)
class StoredFolder:
    """One artifact on disk, finished or not, and the fingerprints of its inputs."""

    fingerprint: str
    folder: Path
    inputs: frozenset[str]
    finished: bool

    @property
    def kind(self) -> str:
        """Such as `features`."""
        return self.folder.parent.name


def stored_folders(root: Path) -> Iterator[StoredFolder]:
    """Every artifact below `root`, the store's folder, except unfinished ones without key."""
    for folder in root.glob("*/*"):
        finished = not folder.name.endswith(PARTIAL)
        key = _key_of(folder, finished) if folder.is_dir() else None
        if key is not None:
            inputs = frozenset(str(value) for value in key["inputs"].values())
            yield StoredFolder(folder.name.removesuffix(PARTIAL), folder, inputs, finished)


def ancestors(prints: Iterable[str], stored: Mapping[str, StoredFolder]) -> set[str]:
    """The fingerprints with those of all their direct and indirect inputs."""
    closure = set(prints)
    frontier = set(closure)
    while frontier:
        frontier = {i for p in frontier if p in stored for i in stored[p].inputs} - closure
        closure |= frontier
    return closure


def is_held(folder: Path) -> bool:
    """Whether a process is computing the artifact of this unfinished folder."""
    return is_locked(folder.with_suffix(".lock"))


def folders_of_process(root: Path, process: ProcessIdentity) -> list[Path]:
    """The unfinished artifacts below `root`, the store's folder, of a process, running or dead."""
    return [p for p in root.glob(f"*/*{PARTIAL}") if lock_holder(p.with_suffix(".lock")) == process]


def size_of(*paths: Path) -> int:
    """Bytes of files and of all files in folders; missing files count as 0."""
    total = 0
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else (path,):
            try:
                total += file.lstat().st_size if not file.is_dir() else 0
            except FileNotFoundError:
                continue
    return total


def _key_of(folder: Path, finished: bool) -> dict[str, Any] | None:
    try:
        if finished or not (folder / KEY).exists():  # a kill may leave the manifest without key
            return dict(read_manifest(folder)["key"])
        return dict(json.loads((folder / KEY).read_text()))
    except (OSError, ValueError):  # removed this instant, or damaged: `comus verify` names it
        return None

"""What lies in the artifact store, finished or not, and what was made from what."""

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
    """One artifact on disk, finished or not, and the fingerprints that it was made from."""

    fingerprint: str
    folder: Path
    inputs: frozenset[str]
    finished: bool

    @property
    def kind(self) -> str:
        """What it is, such as `features`."""
        return self.folder.parent.name


def stored_folders(root: Path) -> Iterator[StoredFolder]:
    """Every artifact below `root`, the store's folder; an unfinished one that does not say what it is is left out."""
    for folder in root.glob("*/*"):
        finished = not folder.name.endswith(PARTIAL)
        key = _key_of(folder, finished) if folder.is_dir() else None
        if key is not None:
            inputs = frozenset(str(value) for value in key["inputs"].values())
            yield StoredFolder(folder.name.removesuffix(PARTIAL), folder, inputs, finished)


def ancestors(prints: Iterable[str], stored: Mapping[str, StoredFolder]) -> set[str]:
    """The fingerprints and everything they were made from."""
    found = set(prints)
    front = set(found)
    while front:
        front = {i for p in front if p in stored for i in stored[p].inputs} - found
        found |= front
    return found


def is_held(folder: Path) -> bool:
    """Whether a process is computing this artifact now; `folder` is its unfinished one."""
    return is_locked(folder.with_suffix(".lock"))


def made_by(root: Path, process: ProcessIdentity) -> list[Path]:
    """The unfinished artifacts below `root`, the store's folder, that a process is computing, or was when it died."""
    return [p for p in root.glob(f"*/*{PARTIAL}") if lock_holder(p.with_suffix(".lock")) == process]


def size_of(*paths: Path) -> int:
    """Bytes of files and of all files in folders; what is not there, or goes meanwhile, counts nothing."""
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
        if finished or not (folder / KEY).exists():  # killed between its last two steps, it has the manifest already
            return dict(read_manifest(folder)["key"])
        return dict(json.loads((folder / KEY).read_text()))
    except (OSError, ValueError):  # removed this instant, or damaged: `comus verify` names it
        return None

"""The manifest of a finished artifact, and whether its files still match it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comus_core.files.atomic import sha256_of

MANIFEST = "manifest.json"  # of a finished artifact: its key, and the bytes and SHA-256 of its files
KEY = "key.json"  # in an unfinished artifact: its key
SHARDS = "shards"  # folder of an unfinished artifact


def artifact_files(folder: Path) -> list[Path]:
    """The files of an artifact, sorted, without its manifest and temporary files."""
    bookkeeping = (folder / MANIFEST, folder / KEY)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path not in bookkeeping and SHARDS not in path.relative_to(folder).parts
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """`fingerprint`, `key`, and `files` {relative path: {bytes, sha256}} of a finished artifact.

    Raises:
        OSError: it is missing.
        ValueError: it is not a manifest.
    """
    manifest = json.loads((folder / MANIFEST).read_text())
    if not (isinstance(manifest, dict) and all(isinstance(manifest.get(name), dict) for name in ("key", "files"))):
        raise ValueError("no key or files in it")
    return dict(manifest)


def find_changes(folder: Path, max_hashed: int | None = None) -> Iterator[str]:
    """Differences from the manifest, one sentence per file.

    At most `max_hashed` bytes are hashed; of files beyond these only the size is checked.
    """
    try:
        entries: dict[str, dict[str, Any]] = read_manifest(folder)["files"]
    except (OSError, ValueError) as error:
        yield f"its {MANIFEST} cannot be read ({error})"
        return
    hashed = 0
    for name, entry in entries.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != entry["bytes"]:
                yield f"{name} has {size:,} bytes, not {entry['bytes']:,}"
                continue
            hashed += size
            if (max_hashed is None or hashed <= max_hashed) and sha256_of(path) != entry["sha256"]:
                yield f"{name} has changed (another SHA-256 than listed)"
        except FileNotFoundError:
            yield f"{name} is missing"
        except OSError as error:
            yield f"{name} cannot be read ({error.strerror or error})"


def unlisted_files(folder: Path) -> list[Path]:
    """Files in a finished artifact that its manifest does not list, which are unused."""
    try:
        entries = read_manifest(folder)["files"]
    except (OSError, ValueError):
        return []
    return [path for path in artifact_files(folder) if path.relative_to(folder).as_posix() not in entries]

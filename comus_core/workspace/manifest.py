"""What a finished artifact lists of itself, and whether its files are still what it lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from comus_core.files.atomic import sha256_of

MANIFEST = "manifest.json"  # of a finished artifact: its key, and the bytes and SHA-256 of its files
KEY = "key.json"  # in an unfinished artifact: what it will be, so that it can be told whose it is
SHARDS = "shards"  # folder of an unfinished artifact


def artifact_files(folder: Path) -> list[Path]:
    """The files that an artifact is made of, sorted: not its manifest, and nothing that only its making needs."""
    own = (folder / MANIFEST, folder / KEY)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path not in own and SHARDS not in path.relative_to(folder).parts
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """`fingerprint`, `key`, and `files` {relative path: {bytes, sha256}} of a finished artifact.

    Raises:
        OSError: it is gone.
        ValueError: it is no manifest.
    """
    manifest = json.loads((folder / MANIFEST).read_text())
    if not (isinstance(manifest, dict) and all(isinstance(manifest.get(name), dict) for name in ("key", "files"))):
        raise ValueError("it does not say what the artifact is and holds")
    return dict(manifest)


def changes(folder: Path, most_hashed: int | None = None) -> Iterator[str]:
    """What is not as the manifest lists it, in words, a file at a time.

    Args:
        folder: of a finished artifact.
        most_hashed: bytes to read at most; of files beyond these, only the size is looked at. None reads all.
    """
    try:
        listed: dict[str, dict[str, Any]] = read_manifest(folder)["files"]
    except (OSError, ValueError) as error:
        yield f"its {MANIFEST} cannot be read ({error})"
        return
    hashed = 0
    for name, told in listed.items():
        path = folder / name
        try:
            found = path.stat().st_size
            if found != told["bytes"]:
                yield f"{name} has {found:,} bytes, not {told['bytes']:,}"
                continue
            hashed += found
            if (most_hashed is None or hashed <= most_hashed) and sha256_of(path) != told["sha256"]:
                yield f"{name} has changed (its SHA-256 is not the one listed)"
        except FileNotFoundError:
            yield f"{name} is gone"
        except OSError as error:
            yield f"{name} cannot be read ({error.strerror or error})"


def strangers(folder: Path) -> list[Path]:
    """Files in a finished artifact that its manifest does not list: nothing reads them."""
    try:
        listed = read_manifest(folder)["files"]
    except (OSError, ValueError):
        return []
    return [path for path in artifact_files(folder) if path.relative_to(folder).as_posix() not in listed]

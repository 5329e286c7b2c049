"""Pictures drawn once: a bounded memory of the newest, and files in the workspace that outlive the server."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

MEMORY_BYTES = 48 * 2**20
DISK_BYTES = 2 * 2**30


class PictureCache:
    """Bytes by a key that says everything they are made from, so that an entry never goes stale."""

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES) -> None:
        self.folder = folder
        self.memory_bytes = memory_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of `key`: from memory, from disk, or made now and kept in both."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        path = self.path(key)
        try:
            content = path.read_bytes()
        except OSError:
            content = make()
            _write(path, content)
        self._hold(key, content)
        return content

    def path(self, key: str) -> Path:
        """The file of a key."""
        name = sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name

    def prune(self, disk_bytes: int = DISK_BYTES) -> None:
        """Remove the files longest unused (or oldest, where the disk does not note use) beyond `disk_bytes`."""
        found = [(stat.st_atime, stat.st_size, path) for path, stat in _files(self.folder)]
        excess = sum(size for _, size, _ in found) - disk_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size

    def _hold(self, key: str, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._held.pop(key, b""))
            self._held[key] = content
            while self._size > self.memory_bytes and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1])


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):  # another server removed it
            found.append((path, path.stat()))
    return found


def _write(path: Path, content: bytes) -> None:
    """All or nothing; a full or read-only disk only makes the cache useless, not the picture."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)

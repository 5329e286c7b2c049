"""Images drawn once: a bounded memory of the newest, and files in the workspace that outlive the server."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

MEMORY_BYTES = 48 * 2**20
DISK_BYTES = 2 * 2**30
QUIET = 0.5  # seconds without a new image, before files are written: a file takes a third as long as its image
RECOUNT = 1 / 16  # of the bound on disk, written since the files were last counted: by so much it is passed at most
WAITING_BYTES = 16 * 2**20  # of images that may wait for that; others get their file at once


class PictureCache:
    """Bytes by a key that says everything they are made from, so that an entry never goes stale."""

    def __init__(self, folder: Path, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        self.folder = folder
        self.disk_bytes = disk_bytes
        self._written_bytes = 0  # since the files were counted last
        self.memory_bytes = memory_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._waiting: list[tuple[Path, bytes]] = []
        self._waiting_bytes, self._drawn_at = 0, 0.0
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of `key`: from memory, from disk, or made now and kept in both, on disk a moment later."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        path = self.path(key)
        try:
            content = path.read_bytes()
        except OSError:
            content = make()
            self._write_later(path, content)
        self._hold(key, content)
        return content

    def path(self, key: str) -> Path:
        """The file of a key."""
        name = sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name

    def prune(self, disk_bytes: int | None = None) -> None:
        """Remove the files longest unused (or oldest, where the disk does not note use) beyond `disk_bytes`.

        A server calls it at its start; after that the cache does whenever it has written a share of its bound.
        """
        disk_bytes = self.disk_bytes if disk_bytes is None else disk_bytes
        files = [(stat.st_atime, stat.st_size, path) for path, stat in _files(self.folder)]
        excess = sum(size for _, size, _ in files) - disk_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size

    def flush(self) -> None:
        """Write the files of all images that wait for it."""
        with self._lock:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for path, content in waiting:
            self._write(path, content)

    def _write(self, path: Path, content: bytes) -> None:
        _write(path, content)
        with self._lock:
            self._written_bytes += len(content)
            many = self._written_bytes > self.disk_bytes * RECOUNT
            if many:
                self._written_bytes = 0
        if many:
            self.prune()

    def _write_later(self, path: Path, content: bytes) -> None:
        with self._lock:
            has_room = self._waiting_bytes + len(content) <= WAITING_BYTES
            if has_room:
                self._waiting.append((path, content))
                self._waiting_bytes += len(content)
                self._drawn_at = time.monotonic()
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write_in_quiet, name="image files", daemon=True)
                    self._writer.start()
        if not has_room:
            self._write(path, content)

    def _write_in_quiet(self) -> None:
        """Write files while nobody waits for images; ends when there are none."""
        while True:
            time.sleep(QUIET)
            with self._lock:
                if not self._waiting:
                    self._writer = None
                    return
                quiet = time.monotonic() - self._drawn_at >= QUIET
            if quiet:
                self.flush()

    def _hold(self, key: str, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._held.pop(key, b""))
            self._held[key] = content
            while self._size > self.memory_bytes and len(self._held) > 1:
                self._size -= len(self._held.popitem(last=False)[1])


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    files = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):  # another server removed it
            files.append((path, path.stat()))
    return files


def _write(path: Path, content: bytes) -> None:
    """All or nothing; a full or read-only disk only makes the cache useless, not the image."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)

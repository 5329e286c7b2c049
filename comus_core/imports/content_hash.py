"""SHA-256 of what is imported, of the bytes as they are read, so that a preview and its import are of the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


class ContentHash:
    """The files of a source that a reader has read: of each its SHA-256, taken while it is read."""

    def __init__(self) -> None:
        self._digests: dict[str, str] = {}

    def read(self, name: str, content: bytes) -> None:
        """Note the bytes of a file."""
        self._digests[name] = hashlib.sha256(content).hexdigest()

    def read_file(self, name: str, path: Path) -> None:
        """Note the bytes of a file on disk.

        Raises:
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            self._digests[name] = hashlib.file_digest(file, "sha256").hexdigest()

    def of_file(self, name: str) -> str:
        """SHA-256 of a file that is imported alone."""
        return self._digests.get(name) or hashlib.sha256().hexdigest()

    def of_all(self, names: Iterable[str]) -> str:
        """SHA-256 of a folder or zip: the sorted names of all its files, with the SHA-256 of those that were read.

        Images are not read, but labels are matched with them by name. A zip and its folder, unpacked, have the same.
        """
        total = hashlib.sha256()
        for name in sorted(names):
            total.update(f"{name}\0{self._digests.get(name, '')}\n".encode(errors="surrogatepass"))
        return total.hexdigest()

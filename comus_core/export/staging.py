"""The unfinished part of an export: what was made of the images so far, part by part, kept over a restart."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FILES, LINES, DONE = "files", "lines", "done"
LISTED = "comus-listed"  # stream of the files of a part, each listed before it is written


class Staging:
    """A folder with the finished files of an export, its lines for the end, and which parts are complete.

    Below `root`: `files/` is the tree of the export; `lines/NUMBER/STREAM` and `done/NUMBER.json` belong to a part.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, root / FILES
        for name in (FILES, LINES, DONE):
            (root / name).mkdir(parents=True, exist_ok=True)

    def part(self, number: int) -> StagedPart:
        """A part to be written anew: what an earlier attempt left of it, note, files and lines, is removed."""
        folder = self.root / LINES / f"{number:09d}"
        (self.root / DONE / f"{number:09d}.json").unlink(missing_ok=True)
        listed = folder / LISTED
        for line in listed.read_bytes().splitlines() if listed.is_file() else ():
            (self.files / os.fsdecode(line)).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return StagedPart(self.files, folder)

    def done(self, number: int) -> dict[str, object] | None:
        """What was noted about a complete part; None if it is not complete."""
        try:
            return dict(json.loads((self.root / DONE / f"{number:09d}.json").read_text()))
        except (FileNotFoundError, ValueError):
            return None

    def note_done(self, number: int, about: dict[str, object]) -> None:
        """Note that a part is complete; a kill leaves the note whole or not at all."""
        path = self.root / DONE / f"{number:09d}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(about))
        temporary.replace(path)

    def lines(self, stream: str) -> Iterator[bytes]:
        """See `format.Export`."""
        for folder in sorted((self.root / LINES).iterdir()):
            path = folder / stream
            if path.is_file():
                with path.open("rb") as file:
                    for line in file:
                        yield line[:-1]

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """See `format.Export`."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            yield file

    def write(self, name: str, content: bytes) -> None:
        """See `format.Export`."""
        write_staged(self.files / name, content)


class StagedPart:
    """See `format.Part`."""

    def __init__(self, files: Path, folder: Path) -> None:
        self._files, self._folder = files, folder
        self._open: dict[str, IO[bytes]] = {}

    def write(self, name: str, content: bytes) -> None:
        """See `format.Part`."""
        self._list(name)
        write_staged(self._files / name, content)

    def path(self, name: str) -> Path:
        """The path of a file of the export, its folder made."""
        self._list(name)
        path = self._files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def line(self, stream: str, content: bytes) -> None:
        """See `format.Part`."""
        if stream not in self._open:
            self._open[stream] = (self._folder / stream).open("wb")
        self._open[stream].write(content + b"\n")

    def _list(self, name: str) -> None:
        self.line(LISTED, os.fsencode(name))
        self._open[LISTED].flush()  # a kill leaves no file that is not listed

    def close(self) -> None:
        """Close the files of its lines."""
        for file in self._open.values():
            file.close()


def write_staged(path: Path, content: bytes) -> None:
    """Write a file of an unfinished export: nobody reads it before the end, so it need not be written atomically."""
    try:
        path.write_bytes(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

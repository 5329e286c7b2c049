"""A file, folder or zip to import, as files by name: readers see no difference."""

from __future__ import annotations

import json
import os
import tempfile
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

from comus_core.errors import SettingsError
from comus_core.imports.content_hash import ContentHash

LARGEST = 4 << 30  # bytes of one text file
RATIO, SMALL = 200, 64 << 20  # a file in a zip may expand so much: run lengths compress well
HEAD = 4096
LONGEST = 200  # bytes of a name that every file system takes
READABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError)


class Source:
    """The files below a folder, in a zip, or a single file.

    Attributes:
        path: what was named.
        names: POSIX names of all files, sorted, without hidden ones.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            SettingsError: there is no such file or folder, or a zip is not whole.
        """
        self.path = path
        self._zip = None if path.is_dir() else _opened_zip(path)
        self._single = not path.is_dir() and self._zip is None
        self._json: tuple[str, Any] = ("", None)
        self._tree: tuple[str, Any] = ("", None)
        self._read = ContentHash()
        self.names = tuple(sorted(self._all_names()))

    def _all_names(self) -> Iterator[str]:
        if self._single:
            yield self.path.name
        elif self._zip is not None:
            yield from (entry.filename for entry in self._zip.infolist() if _is_shown(entry.filename))
        else:
            for folder, folders, files in os.walk(self.path):
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                place = Path(folder).relative_to(self.path)
                yield from ((place / name).as_posix() for name in files if not name.startswith("."))

    def named(self, *suffixes: str) -> list[str]:
        """Names that end so, whatever the case."""
        return [name for name in self.names if name.lower().endswith(suffixes)]

    @property
    def content_hash(self) -> str:
        """SHA-256 of what was read so far: of a file its bytes, else of all names with the bytes of the files read."""
        return self._read.of_file(self.path.name) if self._single else self._read.of_all(self.names)

    def label(self, name: str) -> str:
        """What messages call a file."""
        return str(self.path) if self._single else f"{self.path}{os.sep if self._zip is None else '!'}{name}"

    def content(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ValueError: it cannot be read, or expands too much.
        """
        content = self._content(name)
        self._read.read(name, content)
        return content

    def _content(self, name: str) -> bytes:
        try:
            if self._zip is None:
                file = self.path if self._single else self.path / name
                if file.stat().st_size > LARGEST:
                    raise ValueError(f"it has more than {LARGEST:,} bytes")
                return file.read_bytes()
            entry = self._zip.getinfo(name)
            if entry.file_size > min(LARGEST, max(SMALL, RATIO * entry.compress_size)):
                raise ValueError(f"{entry.compress_size:,} bytes expand to {entry.file_size:,}: too much")
            return self._zip.read(entry)
        except READABLE as error:
            raise ValueError(f"it cannot be read ({_reason(error)})") from None

    def head(self, name: str) -> bytes:
        """The first bytes of a file; none where it cannot be read."""
        try:
            if self._zip is not None:
                with self._zip.open(name) as file:
                    return file.read(HEAD)
            with (self.path if self._single else self.path / name).open("rb") as file:
                return file.read(HEAD)
        except READABLE:
            return b""

    def text(self, name: str) -> str:
        """The content as text.

        Raises:
            ValueError: it cannot be read, or is not UTF-8.
        """
        try:
            return self.content(name).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"it is not UTF-8 text ({error.reason} at byte {error.start})") from None

    def json(self, name: str) -> Any:
        """The JSON value in a file; the last one is held.

        Raises:
            ValueError: it cannot be read, or is not JSON.
        """
        if self._json[0] != name:
            try:
                self._json = (name, json.loads(self.text(name)))
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"it is not whole JSON ({error.msg} at line {error.lineno}, column {error.colno}); export it again"
                ) from None
        return self._json[1]

    def xml(self, name: str) -> ElementTree.Element:
        """The root of an XML file; the last one is held.

        Raises:
            ValueError: it cannot be read, is not XML, or defines entities.
        """
        if self._tree[0] != name:
            content = self.content(name)
            try:
                _refuse_definitions(content)
                self._tree = (name, ElementTree.fromstring(content))
            except (ElementTree.ParseError, expat.ExpatError, LookupError) as error:
                raise ValueError(f"it is not whole XML ({error}); export it again") from None
        root: ElementTree.Element = self._tree[1]
        return root

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A file on disk: that of the folder, or a temporary copy of one in a zip.

        Raises:
            ValueError: it cannot be read.
        """
        if self._zip is None:
            path = self.path if self._single else self.path / name
            try:
                self._read.read_file(name, path)
            except OSError as error:
                raise ValueError(f"it cannot be read ({_reason(error)})") from None
            yield path
            return
        content = self.content(name)
        with tempfile.TemporaryDirectory() as folder:
            known = PurePosixPath(name)
            path = Path(folder) / (known.name if len(known.name.encode(errors="replace")) < LONGEST else "file.png")
            try:
                path.write_bytes(content)
            except (OSError, UnicodeError) as error:
                raise ValueError(f"it cannot be copied ({_reason(error)})") from None
            yield path


class _Begun(Exception):
    """The root element is reached: no definition can follow."""


def _refuse_definitions(content: bytes) -> None:
    """Refuse a document type definition, in any encoding: the expansion of its entities has no bound.

    Raises:
        ValueError: there is one.
        ExpatError: it is no XML up to its first element.
    """

    def definition(*_: Any) -> None:
        raise ValueError("it has a document type definition; remove the line that begins with <!DOCTYPE")

    def element(*_: Any) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = definition, element
    with suppress(_Begun):
        parser.Parse(content, True)


def _opened_zip(path: Path) -> zipfile.ZipFile | None:
    """The zip, or None for another file.

    Raises:
        SettingsError: there is no such file, or it is a zip that is not whole.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise SettingsError(f"import {path}: {error.strerror or error}; name a file, a folder or a zip") from None
    if start[:2] != b"PK":
        return None
    try:
        return zipfile.ZipFile(path)
    except READABLE as error:
        raise SettingsError(
            f"import {path}: the zip is not whole ({_reason(error)}); copy or export it again, or unpack what is "
            "there and import the folder"
        ) from None


def _is_shown(name: str) -> bool:
    """Whether a name in a zip is that of a file, not hidden and not beside it as macOS writes them."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return bool(parts) and not name.endswith("/") and not hidden


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)

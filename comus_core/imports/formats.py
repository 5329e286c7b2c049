"""The formats that come back in, by name, and the choice among them by looking at a file."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError
from comus_core.imports import coco, cvat, index_masks, label_studio, labelme, table, voc, yolo
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import ReadFile
from comus_core.imports.source import Source
from comus_core.plugins import Registry
from comus_core.text import first_of

EXPORT_FILE = "comus.json"

# In the order in which a file is looked at: the first that recognises it reads it.
_OWN = (
    coco.READER,
    label_studio.READER,
    cvat.READER,
    labelme.READER,
    yolo.READER,
    voc.READER,
    index_masks.READER,
    table.READER,
)

READERS: Registry[ReaderSpec] = Registry("format", "comus_explorer.imports", ReaderSpec, _OWN)


def read_file(path: Path, name: str | None = None) -> ReadFile:
    """Read a file, folder or zip of a label tool.

    Args:
        path: what to read.
        name: of the format; None looks at the files.

    Raises:
        SettingsError: there is no such file, no reader of that name, no reader recognises it, or nothing in it can be
            read.
    """
    source = Source(path.expanduser())
    try:
        reader = READERS.named(name) if name is not None else _recognised(source)
        read = reader.read(source)
    except RecursionError:
        raise SettingsError(f"import {path}: it is nested too deeply to be read; export it again") from None
    except ValueError as error:
        raise SettingsError(f"import {path} as {reader.name}: {error}") from None
    export, content = _export_of(source) or read.export, source.content_hash
    if not export and (beside := _beside(source.path)) is not None:
        export = _export_of(beside)
        content = sha256(f"{content} {beside.content_hash}".encode()).hexdigest() if export else content
    return replace(read, export=export, content=content)


def _recognised(source: Source) -> ReaderSpec:
    found = next((reader for reader in READERS.values() if reader.recognises(source)), None)
    if found is not None:
        return found
    what = first_of([Path(name).name for name in source.names]) if source.names else "no file"
    raise SettingsError(
        f"import {source.path}: no format recognises it ({what}); name one with --format: {', '.join(READERS)}"
    )


def _export_of(source: Source) -> dict[str, Any]:
    """What an export of this program says of itself; empty for files of others, or where it is damaged."""
    for name in (n for n in source.names if n == EXPORT_FILE or n.endswith(f"/{EXPORT_FILE}")):
        try:
            content = source.json(name)
        except ValueError:
            continue
        if isinstance(content, dict) and isinstance(content.get("run"), str):  # labelme may call a file so too
            return content
    return {}


def _beside(path: Path) -> Source | None:
    """`comus.json` in the folder of a single file, such as one that a label tool wrote of an export."""
    beside = path.parent / EXPORT_FILE
    return Source(beside) if path.is_file() and beside.is_file() else None

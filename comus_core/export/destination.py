"""Where an export goes: a folder of results, or a zip file; complete, or as it was."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from comus_core.errors import WorkspaceError
from comus_core.export.staging import FILES, Staging
from comus_core.files.atomic import disk_error, replacing
from comus_core.files.output_file import is_foreign, writable_file
from comus_core.files.output_folder import PARTIAL, OutputFolder, locked, remove_unlocked
from comus_core.files.written_files import note_written
from comus_core.types import OnProgress, Progress
from comus_core.workspace.artifacts import digest

KIND = "export"  # of the marker in a folder
ABOUT = "comus.json"
BLOCK = 1 << 20
PACKED = (".json", ".jsonl", ".txt", ".xml", ".yaml", ".csv", ".md")  # worth compressing; images are compressed


@dataclass
class Destination:
    """A place that is being filled.

    Attributes:
        staging: the unfinished export; an earlier attempt's parts are in it.
        is_zip: whether image files that need no change wait for the end instead of being copied now.
        waiting: of these: name in the zip -> file, and its SHA-256 when the run read it.
        replaced: files of others that are replaced, with `force`.
    """

    staging: Staging
    is_zip: bool
    waiting: dict[str, tuple[Path, str]] = field(default_factory=dict)
    replaced: list[str] = field(default_factory=list)


@contextmanager
def destination(
    out: Path, is_zip: bool, key: str, about: dict[str, Any], force: bool, on_progress: OnProgress
) -> Iterator[Destination]:
    """The place of the export `key`; when the block ends without an error, the result is there under its name.

    Else the unfinished export stays beside it, and the same export goes on from there.

    Raises:
        WorkspaceError: results cannot go there, another process writes there, or the disk is full.
        SettingsError: the zip file cannot be written, or a file of others is in its place.
    """
    opened = _zip(out, key, force, on_progress) if is_zip else _folder(out, key, about, force)
    with opened as place:
        yield place


@contextmanager
def _folder(out: Path, key: str, about: dict[str, Any], force: bool) -> Iterator[Destination]:
    output = OutputFolder(out, KIND, force)
    with output.continuing(about, ABOUT, key, FILES) as partial:
        place = Destination(Staging(partial), is_zip=False)
        yield place
        names = [path.relative_to(place.staging.files).as_posix() for path in place.staging.files.rglob("*")]
        place.replaced += output.in_the_way(sorted(n for n in names if (place.staging.files / n).is_file()))


@contextmanager
def _zip(out: Path, key: str, force: bool, on_progress: OnProgress) -> Iterator[Destination]:
    writable_file(out, force=force)
    attempts = f"{PARTIAL}{digest(out.name)[:8]}-"  # of the same zip file: this one, and those of another content
    staged = out.with_name(f"{attempts}{key}")
    try:
        staged.mkdir(parents=True, exist_ok=True)
        with locked(staged):
            for other in out.parent.glob(f"{attempts}*"):
                if other != staged:
                    remove_unlocked(other)
            place = Destination(Staging(staged), is_zip=True)
            yield place
            place.replaced += [str(out)] if is_foreign(out) else []
            with replacing(out) as temporary:
                _pack(temporary, place, on_progress)
            note_written(out)
        shutil.rmtree(staged, ignore_errors=True)
    except OSError as error:
        raise disk_error(error, out) from error


def _pack(path: Path, place: Destination, on_progress: OnProgress) -> None:
    """The zip file: the same bytes for the same export; `comus.json` comes last, so that half a zip lacks it."""
    root = place.staging.files
    own = {p.relative_to(root).as_posix(): (p, "") for p in root.rglob("*") if p.is_file()}
    files: dict[str, tuple[Path, str]] = own | place.waiting
    order = sorted(files, key=lambda name: (name == ABOUT, name))
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for step, name in enumerate(order):
            on_progress(Progress("zip", step, len(order)))
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(PACKED) else zipfile.ZIP_STORED
            source, sha256 = files[name]
            with archive.open(entry, "w", force_zip64=True) as target:
                _copy(source, target, sha256)
    on_progress(Progress("zip", len(order), len(order)))


def _copy(path: Path, target: IO[bytes], sha256: str) -> None:
    """Copy a file into the zip; with `sha256` only one that is still what the labels were made of."""
    again = "it was another a moment ago; export again: the finished part of the export is kept"
    try:
        source = path.open("rb")
    except OSError as error:
        raise WorkspaceError(f"{path}: {error.strerror or error}; {again}") from error
    found = hashlib.sha256()
    with source:
        while block := source.read(BLOCK):
            found.update(block)
            target.write(block)
    if sha256 and found.hexdigest() != sha256:
        raise WorkspaceError(f"{path} has changed; {again}")

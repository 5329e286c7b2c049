"""The image files below a folder: which are found, in which order, and what cannot be used."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from comus_core.images.records import ImageFile, SkippedFile, image_file

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tiff", ".tif", ".gif")


def find_images(root: Path, start: Path) -> tuple[list[ImageFile], list[SkippedFile]]:
    """The image files below `start`, by extension, with paths relative to `root`; and what cannot be used."""
    files: list[ImageFile] = []
    skipped: list[SkippedFile] = []
    for path in walk_files(start, root, skipped):
        relative = path.relative_to(root).as_posix()
        if path.suffix.lower() not in EXTENSIONS:
            continue
        reason = _unusable(path)
        if reason:
            skipped.append(SkippedFile(_printable(relative), reason))
        else:
            files.append(image_file(root, relative))
    return files, sorted(skipped, key=lambda file: file.path)


def walk_files(start: Path, root: Path, skipped: list[SkippedFile]) -> Iterator[Path]:
    """Every visible file below `start`, each folder once, in a fixed order."""

    def note(error: OSError) -> None:
        relative = Path(error.filename).relative_to(root).as_posix()
        skipped.append(SkippedFile(_printable(relative) + "/", f"folder cannot be read: {error.strerror}"))

    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(start, followlinks=True, onerror=note):
        state = os.stat(folder)
        if (state.st_dev, state.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _unusable(path: Path) -> str | None:
    if _printable(str(path)) != str(path):
        return "the file name is not valid UTF-8: rename it"
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return "a link to a file that does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if regular else "not a regular file (a pipe, socket or device)"


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")

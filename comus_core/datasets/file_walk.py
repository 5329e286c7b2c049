"""Find the image files below a folder, in a fixed order, and report what is skipped or ignored."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from comus_core.datasets.ignored_files import OwnFiles, not_images
from comus_core.datasets.records import IgnoredFiles, ImageFile, SkippedFile, image_file
from comus_core.files.file_kinds import EXTENSIONS, looks_like_image
from comus_core.text import size

LARGEST = 4 << 30  # bytes of a file: TIFF's own limit; a hole of a terabyte would be hashed for an hour
NOT_TEXT = "the file name is not valid UTF-8: rename it"


def find_images(root: Path, start: Path) -> tuple[list[ImageFile], list[SkippedFile], tuple[IgnoredFiles, ...]]:
    """The image files below `start`, the skipped files, and the ignored ones, with paths relative to `root`.

    Skipped files cannot be read; ignored ones are hidden, written by COMUS, or not images.
    """
    files: list[ImageFile] = []
    skipped: list[SkippedFile] = []
    own, n_others = OwnFiles(start, root, EXTENSIONS), 0
    for path in walk_files(start, root, skipped, own):
        relative = path.relative_to(root).as_posix()
        reason = None
        try:
            if not looks_like_image(path):
                n_others += 1
                continue
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        reason = _unusable(path) or reason
        if reason:
            skipped.append(SkippedFile(printable(relative), reason))
        else:
            files.append(image_file(root, relative))
    return files, sorted(skipped, key=lambda file: file.path), (*own.result(), *not_images(n_others))


def walk_files(start: Path, root: Path, skipped: list[SkippedFile], own: OwnFiles | None = None) -> Iterator[Path]:
    """Every visible file below `start` that COMUS did not write, each folder once, in a fixed order."""

    def note(error: OSError) -> None:
        relative = Path(error.filename).relative_to(root).as_posix()
        skipped.append(SkippedFile(printable(relative) + "/", f"folder cannot be read: {error.strerror}"))

    own = own or OwnFiles(start, root, EXTENSIONS)
    visited: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(start, followlinks=True, onerror=note):
        state = os.stat(folder)
        if (state.st_dev, state.st_ino) in visited:
            subfolders.clear()
            continue
        visited.add((state.st_dev, state.st_ino))
        subfolders[:], names = own.keep(Path(folder), subfolders, names)
        yield from (Path(folder, name) for name in names)


def _unusable(path: Path) -> str | None:
    if not is_text(str(path)):
        return NOT_TEXT
    try:
        facts = path.stat()
    except FileNotFoundError:
        return "a link to a file that does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(facts.st_mode):
        return "not a regular file (a pipe, socket or device)"
    return f"{size(facts.st_size)}: larger than any image, not read" if facts.st_size > LARGEST else None


def is_text(path: str) -> bool:
    """Whether a path is valid UTF-8."""
    return printable(path) == path


def printable(text: str) -> str:
    """The text with a question mark for every invalid byte."""
    return text.encode("utf-8", "replace").decode("utf-8")

"""The image files below a folder: which are found, in which order, and what cannot be used."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from comus_core.images.kinds import looks_like_image
from comus_core.images.records import ImageFile, PassedOver, SkippedFile, image_file


def find_images(root: Path, start: Path) -> tuple[list[ImageFile], list[SkippedFile], list[PassedOver]]:
    """The image files below `start`, with paths relative to `root`; what cannot be used; and what is no image."""
    files: list[ImageFile] = []
    skipped: list[SkippedFile] = []
    others = 0
    for path in walk_files(start, root, skipped):
        relative = path.relative_to(root).as_posix()
        reason = None
        try:
            if not looks_like_image(path):
                others += 1
                continue
        except OSError as error:
            reason = f"cannot be read, and its name does not say whether it is an image: {error.strerror}"
        reason = _unusable(path) or reason
        if reason:
            skipped.append(SkippedFile(_printable(relative), reason))
        else:
            files.append(image_file(root, relative))
    passed_over = [PassedOver("not images", others)] if others else []
    return files, sorted(skipped, key=lambda file: file.path), passed_over


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

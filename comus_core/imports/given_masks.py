"""The masks of a file for images without a run: what a run begins with instead of a detector's proposals.

The rule: objects keep the order of the file, and the first keeps a pixel that several claim; of an index mask each
connected part (at corners too) is an object; a mask of any area counts; boxes have no masks and are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from comus_core.imports.formats import read_file
from comus_core.imports.image_matching import ImageIndex
from comus_core.imports.masks import without_common_pixels
from comus_core.imports.outlines import Box
from comus_core.imports.records import ImportedImage, ImportedObject, Problem, ReadFile
from comus_core.imports.source import Source
from comus_core.types import BoolMask

EIGHT = np.ones((3, 3), bool)


class GivenMasks:
    """The objects of a file by image.

    Attributes:
        problems: what is not used, also found while masks are drawn.
    """

    def __init__(self, read: ReadFile, images: Iterable[tuple[str, str]]) -> None:
        """`images` are (id, path below the folder of the data set)."""
        self.problems: list[Problem] = list(read.problems)
        self._images: dict[str, ImportedImage] = {}
        self._objects: dict[str, list[ImportedObject]] = {}
        image_of, why = ImageIndex(images).find_all(image.reference for image in read.images)
        first = {image.reference: image for image in reversed(read.images)}
        for image in reversed(first.values()):  # in the order of the file
            if image.reference in why:
                self.problems.append(Problem(image.file, image.reference, why[image.reference]))
            else:
                self._images[image_of[image.reference]] = image
        for record in read.objects:
            if record.image in image_of and not record.void:
                self._objects.setdefault(image_of[record.image], []).append(record)

    def has(self, image_id: str) -> bool:
        """Whether the file has an object in an image."""
        return bool(self._objects.get(image_id))

    def masks(self, image_id: str, size_hw: tuple[int, int]) -> list[BoolMask]:
        """The masks of an image, (H, W) bool without common pixels; what cannot be drawn becomes a problem."""
        image = self._images.get(image_id)
        if image is not None and image.size_hw is not None and image.size_hw != size_hw:
            stated, now = (f"{h} x {w}" for h, w in (image.size_hw, size_hw))
            message = f"it has {stated} pixels (height x width) in the file, {now} on disk; left out with its objects"
            self.problems.append(Problem(image.file, image.reference, message))
            return []
        masks: list[BoolMask] = []
        for record in self._objects.get(image_id, ()):
            try:
                masks += _drawn(record, size_hw)
            except ValueError as error:
                self.problems.append(Problem(record.file, record.place, f"{error}; left out"))
        return [mask for mask in without_common_pixels(masks) if mask.any()]


def _drawn(record: ImportedObject, size_hw: tuple[int, int]) -> list[BoolMask]:
    from scipy import ndimage

    if record.outline is None or isinstance(record.outline, Box):
        raise ValueError("a box has no mask; draw a polygon or a mask")
    mask = record.outline.drawn(size_hw)
    if not mask.any():
        raise ValueError("its mask has no pixel in the image")
    if not record.whole:
        return [mask]
    parts, count = ndimage.label(mask, EIGHT)
    return [parts == part for part in range(1, count + 1)]


def given_masks(path: Path, images: Sequence[tuple[str, str]]) -> GivenMasks:
    """The masks of a file, folder or zip for some images, (id, path) each.

    Raises:
        SettingsError: it cannot be read at all.
    """
    return GivenMasks(_read(str(path), content_hash(path)), images)


def label_files(path: Path) -> dict[str, Path]:
    """Name -> file of everything in a folder that is no image file beside labels; what decides the masks."""
    return {name: path / name for name in Source(path).names if name.lower().endswith(LABELS)}


LABELS = (".json", ".xml", ".txt", ".yaml", ".yml", ".png", ".csv", ".names")


def content_hash(path: Path) -> str:
    """SHA-256 of a file, or of all label files of a folder with their names."""
    files = label_files(path) if path.is_dir() else {path.name: path}
    total = hashlib.sha256()
    for name in sorted(files):
        with files[name].open("rb") as file:
            total.update(
                f"{name if path.is_dir() else ''}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode()
            )
    return total.hexdigest()


@lru_cache(maxsize=1)
def _read(path: str, _: str) -> ReadFile:
    """The file as it is now: its hash is part of the key."""
    return read_file(Path(path))

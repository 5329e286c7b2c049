"""What a data set is made of: its image files, its ground truth, and what had to be set aside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from comus_core.datasets.decoding import read_rgb
from comus_core.datasets.truth_report import TruthReport
from comus_core.errors import DatasetError
from comus_core.types import ImageId, IndexMask, RgbImage


@dataclass(frozen=True)
class ImageFile:
    """One image of a data set; `relative` is the POSIX path below `Dataset.root`."""

    image_id: ImageId
    path: Path
    relative: str


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, with the reason the user reads; `path` is relative to `Dataset.root`."""

    path: str
    reason: str


@dataclass(frozen=True)
class PassedOver:
    """Files that were left out on purpose.

    Attributes:
        reason: what the user reads, such as "in a workspace".
        files: how many image files, by their suffixes; of what is no image, how many files.
        places: the first few folders and files, relative to `Dataset.root`; a folder ends in a slash.
        counted: whether all of them were; otherwise there are at least so many.
    """

    reason: str
    files: int
    places: tuple[str, ...]
    counted: bool = True


class GroundTruth(Protocol):
    """Index masks of some or all images of a data set.

    Attributes:
        classes: names by class index, "background" first.
        ignore: the index that is no class and in no score, or None.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """See above."""
        ...

    @property
    def ignore(self) -> int | None:
        """See above."""
        ...

    def has(self, image_id: ImageId) -> bool:
        """Whether this image has a mask that can be laid over it."""
        ...

    def unclear(self, image_id: ImageId) -> bool:
        """Whether it has a mask, but nothing tells how that lies over the turned photograph; `has` is False then."""
        ...

    def turned(self, image_id: ImageId) -> bool:
        """Whether EXIF turns or mirrors the photograph of a mask."""
        ...

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W) uint8 or uint16 in the orientation of the decoded image: class indices and `ignore`.

        Raises:
            DatasetError: no mask, an unreadable one, another size than the image, or indices beyond the classes.
        """
        ...

    def files(self) -> tuple[Path, ...]:
        """Every file that the masks come from, sorted: what a fingerprint must hash."""
        ...


@dataclass(frozen=True)
class Dataset:
    """The images behind a dataset string.

    Attributes:
        spec: the string as given.
        name: a short slug, such as "voc-trainval", "demo", or the folder's name.
        root: the folder that relative paths start from.
        files: sorted by `image_id`, which is unique.
        truth: ground truth, or None if there is none at all.
        synthetic: whether the images are drawn; to be said wherever they are shown.
        set_aside: files known to be unusable before decoding, such as those a split lists but the folder lacks.
        truth_report: what was found on the way to `truth`, also where that is None; None where nothing was looked for.
        passed_over: files below the folder that are no photographs of the person's: hidden, this program's, no images.
    """

    spec: str
    name: str
    root: Path
    files: tuple[ImageFile, ...]
    truth: GroundTruth | None
    synthetic: bool
    set_aside: tuple[SkippedFile, ...]
    truth_report: TruthReport | None = None
    passed_over: tuple[PassedOver, ...] = ()

    @cached_property
    def by_id(self) -> dict[ImageId, ImageFile]:
        """The files by their image_id."""
        return {file.image_id: file for file in self.files}

    def read(self, image_id: ImageId, at_least: int | None = None) -> RgbImage:
        """The decoded image, (H, W, 3) uint8; with `at_least` a fraction of it, see `read_rgb`.

        Raises:
            DatasetError: no image of this id.
            ImageError: the file cannot be decoded.
        """
        return read_rgb(self.file(image_id).path, at_least)

    def file(self, image_id: ImageId) -> ImageFile:
        """The file of an image.

        Raises:
            DatasetError: no image of this id.
        """
        if image_id not in self.by_id:
            raise DatasetError(f"{self.spec}: no image '{image_id}' among its {len(self.files)}")
        return self.by_id[image_id]


def image_file(root: Path, relative: str, image_id: ImageId | None = None) -> ImageFile:
    """The file at `root / relative`; its id is the relative path unless one is given."""
    return ImageFile(image_id or relative, root / relative, relative)


def by_image_id(files: Iterable[ImageFile]) -> tuple[ImageFile, ...]:
    """The files sorted by image_id."""
    return tuple(sorted(files, key=lambda file: file.image_id))


def slug(text: str) -> str:
    """A short name of lower-case letters, digits and hyphens, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "images"

"""A data set: its image files, its ground truth, and the skipped and ignored files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
    """An unusable file with the reason for the user; `path` is relative to `Dataset.root`."""

    path: str
    reason: str


@dataclass(frozen=True)
class IgnoredFiles:
    """Files that are ignored on purpose.

    Attributes:
        reason: for the user, such as "in a workspace".
        files: number of image files, by their suffixes, or of files that are not images.
        places: the first few folders and files, relative to `Dataset.root`; a folder ends in a slash.
        counted: whether `files` is exact; otherwise it is a lower bound.
    """

    reason: str
    files: int
    places: tuple[str, ...]
    counted: bool = True


class GroundTruth(Protocol):
    """Index masks of some or all images of a data set.

    Attributes:
        classes: names by class index, "background" first.
        ignore: the index of pixels that are not scored, or None.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """See above."""

    @property
    def ignore(self) -> int | None:
        """See above."""

    def has(self, image_id: ImageId) -> bool:
        """Whether this image has a usable mask."""

    def unclear(self, image_id: ImageId) -> bool:
        """Whether it has a mask whose orientation is unknown, since EXIF turns the image; `has` is False then."""

    def turned(self, image_id: ImageId) -> bool:
        """Whether EXIF turns or mirrors an image that has a mask."""

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W) uint8 or uint16 in the orientation of the decoded image: class indices and `ignore`.

        Raises:
            DatasetError: no mask, an unreadable one, one of another size than the image, or invalid indices.
        """

    def files(self) -> tuple[Path, ...]:
        """Every file that the masks come from, sorted, for the fingerprint."""


@dataclass(frozen=True)
class ImageClasses:
    """The classes of whole images, of a data set without masks.

    Attributes:
        names: of the classes; there is no background among them.
        index_of: image id -> its class.
    """

    names: tuple[str, ...]
    index_of: Mapping[ImageId, int]


@dataclass(frozen=True)
class Dataset:
    """A data set that was opened from its string.

    Attributes:
        spec: the string.
        name: a short slug, such as "voc-trainval", "demo", or the folder's name.
        root: the folder of relative paths.
        files: sorted by `image_id`, which is unique.
        truth: ground truth, or None.
        synthetic: whether the images are drawn; pages must say so.
        skipped: files that are unusable before decoding, such as missing files of a split.
        truth_report: report on the ground truth, also if that is None; None if it was not read.
        ignored: files that are hidden, written by COMUS, or not images.
        excluded: number of images that the settings leave out; they are not in `files`.
        unknown: names in these settings that are no image of the data set.
        image_classes: the class of each image as a whole, where that is all that is known; else None.
    """

    spec: str
    name: str
    root: Path
    files: tuple[ImageFile, ...]
    truth: GroundTruth | None
    synthetic: bool
    skipped: tuple[SkippedFile, ...]
    truth_report: TruthReport | None = None
    ignored: tuple[IgnoredFiles, ...] = ()
    excluded: int = 0
    unknown: tuple[str, ...] = ()
    image_classes: ImageClasses | None = None

    @property
    def class_count(self) -> int | None:
        """Number of classes of objects, or of whole images; None if that is not known."""
        if self.truth is not None:
            return len(self.truth.classes) - 1
        return len(self.image_classes.names) if self.image_classes is not None else None

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
            raise DatasetError(f"{self.spec}: no image '{image_id}'")
        return self.by_id[image_id]


def image_file(root: Path, relative: str, image_id: ImageId | None = None) -> ImageFile:
    """The file at `root / relative`; its id is `image_id` or the relative path."""
    return ImageFile(image_id or relative, root / relative, relative)


def by_image_id(files: Iterable[ImageFile]) -> tuple[ImageFile, ...]:
    """The files sorted by image_id."""
    return tuple(sorted(files, key=lambda file: file.image_id))


def slug(text: str) -> str:
    """A short name of lower-case letters, digits and hyphens, never empty."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "images"

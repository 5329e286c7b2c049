"""What a data set on disk holds: images and masks that are listed and missing, official counts, classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.datasets.dataset import open_dataset, parse_dataset
from comus_core.datasets.published import COCO2017_IMAGES, VOC2007_IMAGES, VOC2012_IMAGES
from comus_core.datasets.records import Dataset, GroundTruth
from comus_core.datasets.voc import CLASSES as VOC_CLASSES
from comus_core.datasets.voc_layout import MASKS, find_root
from comus_core.errors import DatasetError
from comus_core.machine.threads import Threads
from comus_core.text import counted, first_of
from comus_core.types import IntArray, OnProgress, Progress, no_progress

NAMED = 8  # missing files that a line names


@dataclass(frozen=True)
class ClassCount:
    """A class in the ground truth.

    Attributes:
        name: of the class.
        images: in how many images it is.
        pixels: how many it has.
    """

    name: str
    images: int
    pixels: int


@dataclass(frozen=True)
class DatasetCheck:
    """What a data set holds.

    Attributes:
        dataset: its string.
        images: image files that are there.
        missing: images that are listed and not there or not readable.
        labelled: images with a mask.
        without_mask: ids of images without.
        official: how many images the published split has; None for other data sets.
        unlisted: of the names in the official list that was given, those that are not there; None without a list.
        classes: of the ground truth, background first; empty without ground truth.
        ignored_pixels: pixels that no score counts.
    """

    dataset: str
    images: int
    missing: tuple[str, ...]
    labelled: int
    without_mask: tuple[str, ...]
    official: int | None
    unlisted: tuple[str, ...] | None
    classes: tuple[ClassCount, ...]
    ignored_pixels: int

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that is listed, or that the published split has."""
        short = self.official is not None and self.images < self.official
        return not (self.missing or self.without_mask or self.unlisted or short)

    def to_json(self) -> dict[str, Any]:
        """As `comus datasets check --json` writes it."""
        return asdict(self) | {"complete": self.complete}

    def lines(self) -> list[str]:
        """The same for people."""
        official = f" of {self.official:,} in the published split" if self.official is not None else ""
        lines = [f"{self.dataset}: {counted(self.images, 'image')}{official}, {self.labelled:,} with ground truth"]
        if self.official is not None and self.images > self.official:
            lines.append(f"  more than the published split: is {self.dataset} that split?")
        for words, names in self._gaps():
            lines.append(f"  {words}: {len(names):,}, such as {first_of(list(names[:NAMED]))}")
        width = max((len(one.name) for one in self.classes), default=0)
        for one in self.classes:
            lines.append(f"  {one.name:{width}}  {counted(one.images, 'image'):>14}  {one.pixels:>14,} pixels")
        lines += [f"  ignored: {self.ignored_pixels:,} pixels"] if self.classes else []
        absent = [one.name for one in self.classes if not one.images]
        lines += [f"  classes in no image: {', '.join(absent)}"] if absent else []
        return lines

    def _gaps(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        found = (
            ("listed, but missing or unreadable", self.missing),
            ("without a mask", self.without_mask),
            ("in the official list, but not here", self.unlisted or ()),
        )
        return ((words, names) for words, names in found if names)


def check_dataset(
    spec: str,
    drawings: Path,
    names: Path | None = None,
    *,
    histogram: bool = True,
    on_progress: OnProgress = no_progress,
) -> DatasetCheck:
    """Check a data set: its files, its counts against the published ones, and its classes.

    Args:
        spec: a folder, voc:ROOT:SPLIT or coco:ROOT:SPLIT.
        drawings: the folder for the scenes of the demo.
        names: an official list of images, one name on each line, to say which of them are not here.
        histogram: count classes and pixels, for which every mask is read.
        on_progress: gets masks done and in all.

    Raises:
        DatasetError: there is no such data set, its ground truth cannot be read, or it is half unpacked: says what is
            missing.
    """
    require_unpacked(spec)
    dataset = open_dataset(spec, drawings)
    ids = [file.image_id for file in dataset.files]
    truth = dataset.truth
    labelled = [image_id for image_id in ids if truth is not None and truth.has(image_id)]
    without = [image_id for image_id in ids if truth is not None and not truth.has(image_id)]
    found = DatasetCheck(
        dataset=spec,
        images=len(ids),
        missing=tuple(file.path for file in dataset.skipped),
        labelled=len(labelled),
        without_mask=tuple(without),
        official=_official(dataset),
        unlisted=_unlisted(names, set(ids)) if names is not None else None,
        classes=(),
        ignored_pixels=0,
    )
    if truth is None or not histogram:
        return found
    classes, ignored = _histogram(truth, labelled, on_progress)
    return replace(found, classes=classes, ignored_pixels=ignored)


def require_unpacked(spec: str) -> None:
    """Raise `DatasetError` for a VOC folder of which a part was not unpacked; says which."""
    address = parse_dataset(spec)
    if address.format != "voc":
        return
    folder = address.folder
    places = [folder, *sorted(folder.glob("VOC[0-9]*")), *sorted(folder.glob("VOCdevkit/VOC[0-9]*"))]
    for root in places:
        parts = {
            "JPEGImages (the images)": (root / "JPEGImages").is_dir(),
            "ImageSets/Segmentation (the lists of the splits)": (root / "ImageSets" / "Segmentation").is_dir(),
            f"{MASKS[0]} (the masks)": any((root / name).is_dir() for name in MASKS),
        }
        if any(parts.values()) and not all(parts.values()):
            gone = " and ".join(name for name, there in parts.items() if not there)
            raise DatasetError(
                f"{root} is only half of PASCAL VOC: there is no {gone}. Unpack the whole archive again "
                "(`comus datasets download voc2012 --to FOLDER` completes it), or open a folder of images by its path"
            )
    find_root(spec, folder)


def _official(dataset: Dataset) -> int | None:
    """How many images the published split of that name has, where the data set has the published classes."""
    address, truth = parse_dataset(dataset.spec), dataset.truth
    if address.format == "voc" and truth is not None and tuple(truth.classes) == VOC_CLASSES:
        known: Mapping[str, int] = VOC2007_IMAGES if dataset.root.name == "VOC2007" else VOC2012_IMAGES
        return known.get(address.split)
    if address.format == "coco" and truth is not None and len(truth.classes) == 81:
        return COCO2017_IMAGES.get(address.split)
    return None


def _unlisted(names: Path, there: set[str]) -> tuple[str, ...]:
    try:
        wanted = names.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"list {names}: {error}; write one image name on each line") from None
    return tuple(name for name in dict.fromkeys(wanted) if name not in there)


def _histogram(truth: GroundTruth, ids: list[str], on_progress: OnProgress) -> tuple[tuple[ClassCount, ...], int]:
    """Images and pixels of each class, and the pixels that are ignored."""
    n = len(truth.classes)
    images, pixels, ignored = np.zeros(n, np.int64), np.zeros(n, np.int64), 0

    def count(image_id: str) -> IntArray:
        mask = truth.mask(image_id)
        return np.bincount(mask.ravel(), minlength=max(n, (truth.ignore or 0) + 1))

    with Threads() as threads:
        for number, found in enumerate(threads.each(count, ids)):
            on_progress(Progress("masks", number, len(ids)))
            pixels += found[:n]
            images += found[:n] > 0
            ignored += int(found[truth.ignore]) if truth.ignore is not None and truth.ignore >= n else 0
    on_progress(Progress("masks", len(ids), len(ids)))
    rows = zip(truth.classes, images.tolist(), pixels.tolist(), strict=True)
    return tuple(ClassCount(*row) for row in rows), ignored

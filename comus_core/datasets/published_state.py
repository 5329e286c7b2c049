"""What of a published data set lies in a folder, from the names of its files: nothing is decoded."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from comus_core.datasets.dataset import parse_dataset
from comus_core.datasets.dataset_check import require_unpacked
from comus_core.datasets.format import DatasetAddress
from comus_core.datasets.published import PublishedDataset
from comus_core.datasets.voc_layout import MASKS
from comus_core.errors import DatasetError
from comus_core.text import size

StateName = Literal["absent", "partial", "half", "complete"]


@dataclass(frozen=True)
class PublishedState:
    """What of a published data set lies in a folder.

    Attributes:
        state: `absent`, nothing of it; `partial`, an archive in part or not unpacked; `half`, images or masks are
            missing; `complete`, every split has as many images with ground truth as the published one.
        message: what there is, or what is missing and what to do; "" if absent.
        images: split -> how many of its images are there with their ground truth.
        specs: the strings by which the complete splits are opened.
    """

    state: StateName
    message: str
    images: dict[str, int]
    specs: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**vars(self), "specs": list(self.specs)}


def specs_in(wanted: PublishedDataset, folder: Path) -> dict[str, str]:
    """Split -> the string by which it is opened, if the data set is in that folder."""
    return {split: wanted.spec.replace("SPLIT", split).replace("ROOT", str(folder)) for split in wanted.images}


def state_in(wanted: PublishedDataset, folder: Path) -> PublishedState:
    """What of a published data set lies in a folder, which need not exist.

    Ground truth of PASCAL VOC is a mask an image; of COCO, the annotation file of the split, which is not opened.

    Raises:
        DatasetError: the folder cannot be read.
    """
    specs = specs_in(wanted, folder)
    try:
        there = {split: _count(parse_dataset(spec)) for split, spec in specs.items()}
        waiting = _archives(wanted, folder)
    except OSError as error:
        raise DatasetError(f"folder {folder}: {error.strerror or error}; choose another") from None
    full = tuple(specs[split] for split, official in wanted.images.items() if there[split] >= official)
    if len(full) == len(specs):
        found = ", ".join(f"{split} {there[split]:,}" for split in specs)
        what = "images and annotations" if parse_dataset(full[0]).format == "coco" else "images with ground truth"
        left = f"; {'; '.join(waiting)}" if waiting else ""
        return PublishedState("complete", f"counts as published: {found} {what}{left}", there, full)
    if waiting:
        return PublishedState("partial", f"{'; '.join(waiting)}; the download goes on from there", there, full)
    fault = _half(wanted, specs)
    if not fault and not any(there.values()):
        return PublishedState("absent", "", there, full)
    lacking = [f"{split} {there[split]:,} of {n:,}" for split, n in wanted.images.items() if there[split] < n]
    return PublishedState("half", fault or f"images with ground truth: {', '.join(lacking)}", there, full)


def _archives(wanted: PublishedDataset, folder: Path) -> list[str]:
    """A line on each archive that lies there, whole or in part, and on what only masks are made of."""
    lines = []
    for archive in wanted.archives:
        total = f" of {size(archive.n_bytes)}" if archive.n_bytes is not None else ""
        partial = folder / f"{archive.filename}.part"
        if partial.is_file():
            lines.append(f"{size(partial.stat().st_size)}{total} of {archive.filename} has come")
        elif (folder / archive.filename).is_file():
            lines.append(f"{archive.filename} has come and is not, or not wholly, unpacked")
    if not lines and wanted.source is not None and (folder / wanted.source).is_dir():
        lines.append(f"{wanted.source} is unpacked, and not all masks are made of it")
    return lines


def _half(wanted: PublishedDataset, specs: dict[str, str]) -> str:
    """What is said of a data set of which a part was not unpacked; "" where nothing can be said."""
    address = parse_dataset(next(iter(specs.values())))
    if wanted.needs is not None or not address.folder.is_dir():
        return ""
    try:
        require_unpacked(str(address))
    except DatasetError as fault:
        return str(fault)
    return ""


def _count(address: DatasetAddress) -> int:
    """How many images of a split are there with ground truth."""
    root, split = address.folder, address.split
    if address.format == "coco":
        known = (root / "annotations" / f"instances_{split}.json").is_file()
        return len(_stems(root / split, {".jpg"})) if known else 0
    listing = root / "ImageSets" / "Segmentation" / f"{split}.txt"
    if not listing.is_file():
        return 0
    masks = frozenset[str]().union(*(_stems(root / name, {".png"}) for name in MASKS))
    listed = set(listing.read_text(encoding="utf-8", errors="replace").split())
    return len(listed & _stems(root / "JPEGImages", {".jpg"}) & masks)


def _stems(folder: Path, suffixes: Collection[str]) -> frozenset[str]:
    """Names of the files in a folder with one of these suffixes, without it; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    return frozenset(os.path.splitext(name)[0] for name in names if os.path.splitext(name)[1].lower() in suffixes)

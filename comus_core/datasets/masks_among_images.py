"""Exports of annotation tools whose masks would pass for photographs if their folder were read as one of images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from comus_core.datasets.voc_layout import MASKS
from comus_core.errors import DatasetError

_OF_SUPERVISELY = ("masks_machine", "masks_human", "masks_instances")
_CLASSES_OF_ROBOFLOW = "_classes.csv"


def require_no_masks(spec: str, root: Path) -> None:
    """See to it that a folder, and each in it, is none that an annotation tool filled with masks too.

    Raises:
        DatasetError: it is; says how to have both read.
    """
    for folder in _with_folders_in_it(root):
        how = _told(folder)
        if how is not None:
            raise DatasetError(f"data set '{spec}': {how}")


def _told(folder: Path) -> str | None:
    """What to do about a folder; `os.path` takes what may not be looked at for not there."""
    masks = next((name for name in MASKS if os.path.isdir(folder / name)), None)
    if masks is not None and os.path.isdir(folder / "JPEGImages"):
        return (
            f"{folder} is in VOC's layout, with masks in {masks}; give voc:{folder}:SPLIT (SPLIT is `all` where it "
            f"holds no ImageSets) to have both read, or {folder / 'JPEGImages'} for the images alone"
        )
    if os.path.isdir(folder / "data") and any((folder / "labels").glob("*.png")):
        return (
            f"{folder} is in FiftyOne's layout, with masks in labels; rename data to images and labels to masks, and "
            f"write classes.txt, to have both read, or give {folder / 'data'} for the images alone"
        )
    masks = next((name for name in _OF_SUPERVISELY if os.path.isdir(folder / name)), None)
    if masks is not None and os.path.isdir(folder / "img"):
        return (
            f"{folder} is in Supervisely's layout, with masks in {masks}; export it as Pascal VOC or COCO to have both "
            f"read, or give {folder / 'img'} for the images alone"
        )
    if os.path.isfile(folder / _CLASSES_OF_ROBOFLOW) and any(folder.glob("*_mask.png")):
        return (
            f"{folder} holds Roboflow's masks (*_mask.png) among its images; export it as COCO to have both read, or "
            "move the masks elsewhere"
        )
    return None


def _with_folders_in_it(root: Path) -> Iterator[Path]:
    yield root
    try:
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:  # what cannot be listed is told where it is walked
        return

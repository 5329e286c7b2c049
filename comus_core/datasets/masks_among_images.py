"""Detect exports of annotation tools whose masks would be mistaken for images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from comus_core.datasets.voc_layout import MASKS
from comus_core.errors import DatasetError

_OF_SUPERVISELY = ("masks_machine", "masks_human", "masks_instances")
_CLASSES_OF_ROBOFLOW = "_classes.csv"


def require_no_masks(spec: str, root: Path) -> None:
    """Check that neither a folder nor its subfolders are an export with masks beside the images.

    Raises:
        DatasetError: one is; says how to read both.
    """
    for folder in _with_subfolders(root):
        advice = _advice(folder)
        if advice is not None:
            raise DatasetError(f"data set '{spec}': {advice}")


def _advice(folder: Path) -> str | None:
    """How to read a folder with masks; None for other folders, and for unreadable ones."""
    masks = next((name for name in MASKS if os.path.isdir(folder / name)), None)
    if masks is not None and os.path.isdir(folder / "JPEGImages"):
        return (
            f"{folder} is in VOC's layout, with masks in {masks}; use voc:{folder}:SPLIT to read both (SPLIT is `all` "
            f"if there is no ImageSets), or {folder / 'JPEGImages'} for the images alone"
        )
    if os.path.isdir(folder / "data") and any((folder / "labels").glob("*.png")):
        return (
            f"{folder} is in FiftyOne's layout, with masks in labels; to read both, rename data to images and labels "
            f"to masks, and add classes.txt; or use {folder / 'data'} for the images alone"
        )
    masks = next((name for name in _OF_SUPERVISELY if os.path.isdir(folder / name)), None)
    if masks is not None and os.path.isdir(folder / "img"):
        return (
            f"{folder} is in Supervisely's layout, with masks in {masks}; to read both, export it as Pascal VOC or "
            f"COCO; or use {folder / 'img'} for the images alone"
        )
    if os.path.isfile(folder / _CLASSES_OF_ROBOFLOW) and any(folder.glob("*_mask.png")):
        return (
            f"{folder} has Roboflow's masks (*_mask.png) among its images; to read both, export it as COCO; or move "
            "the masks elsewhere"
        )
    return None


def _with_subfolders(root: Path) -> Iterator[Path]:
    yield root
    try:
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:  # reported when the folder is read
        return

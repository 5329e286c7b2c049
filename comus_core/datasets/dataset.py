"""From a dataset string to its images and ground truth: a folder, `voc:ROOT:SPLIT`, `coco:ROOT:SPLIT`, `demo`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.coco import open_coco
from comus_core.datasets.demo.scenes import draw_demo
from comus_core.datasets.folder import open_folder
from comus_core.datasets.records import Dataset, GroundTruth, ImageFile, SkippedFile
from comus_core.datasets.voc import open_voc
from comus_core.errors import DatasetError

__all__ = ["Dataset", "GroundTruth", "ImageFile", "SkippedFile", "absolute", "open_dataset"]


def open_dataset(spec: str, drawings: Path, truth: TruthSettings | None = None) -> Dataset:
    """The data set behind a string. Nothing is decoded yet: see `checking.check_images`.

    Args:
        spec: a folder's path, `voc:ROOT:SPLIT`, `coco:ROOT:SPLIT` or `demo` (a folder of that name is `./demo`).
            ROOT may hold colons; SPLIT may not.
        drawings: where the demo scenes are drawn, once; not touched by the others.
        truth: how ground truth is read; None for the usual way.

    Raises:
        DatasetError: the string, the folder, the split or the annotations cannot be used.
    """
    settings = truth or TruthSettings()
    if spec == "demo":
        root = draw_demo(drawings)
        return replace(open_folder(spec, root, settings), name="demo", synthetic=True)
    kind, _, rest = spec.partition(":")
    if kind in ("voc", "coco") and rest:
        root_text, colon, split = rest.rpartition(":")
        if not (colon and root_text and split):
            raise DatasetError(
                f"data set '{spec}': write {kind}:ROOT:SPLIT, such as {kind}:{rest or 'ROOT'}:{_A_SPLIT[kind]}"
            )
        opener = open_voc if kind == "voc" else open_coco
        return opener(spec, Path(root_text).expanduser(), split, settings)
    if not spec.strip():
        raise DatasetError("no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
    return open_folder(spec, Path(spec).expanduser(), settings)


_A_SPLIT = {"voc": "trainval", "coco": "val2017"}


def absolute(spec: str) -> str:
    """The dataset string with its path made absolute, so that it means the same from any folder."""
    if spec == "demo":
        return spec
    kind, _, rest = spec.partition(":")
    if kind in _A_SPLIT and rest:
        root, _, split = rest.rpartition(":")
        return f"{kind}:{Path(root).expanduser().resolve()}:{split}"
    return str(Path(spec).expanduser().resolve())

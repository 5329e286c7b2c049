"""From a data set's string to its images and ground truth; the formats there are, by name."""

from __future__ import annotations

from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets import coco, folder, voc
from comus_core.datasets.demo import demo_format
from comus_core.datasets.format import FOLDER, DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.records import Dataset, GroundTruth, ImageFile, SkippedFile
from comus_core.errors import DatasetError
from comus_core.plugins import Registry

__all__ = [
    "FORMATS",
    "Dataset",
    "GroundTruth",
    "ImageFile",
    "SkippedFile",
    "absolute",
    "open_dataset",
    "parse_dataset",
    "splits",
    "summarise",
]

_OWN = (
    demo_format.FORMAT,
    folder.FORMAT,
    voc.FORMAT,
    coco.FORMAT,
)

FORMATS: Registry[DatasetFormat] = Registry("data set format", "comus_explorer.datasets", DatasetFormat, _OWN)


def parse_dataset(spec: str) -> DatasetAddress:
    """A data set's string taken apart. Nothing is looked at.

    Args:
        spec: a folder's path, `voc:ROOT:SPLIT`, `coco:ROOT:SPLIT`, `demo` (a folder of that name is `./demo`), or
            `NAME:ROOT` of another format. ROOT may hold colons; SPLIT may not.

    Raises:
        DatasetError: it is empty, or lacks its folder or split.
    """
    if not spec.strip():
        raise DatasetError("no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
    kind, _, rest = spec.partition(":")
    form = FORMATS.get(kind) if kind != FOLDER else None
    if form is not None and not form.has_folder and kind == spec:
        return DatasetAddress(kind)
    if form is None or not form.has_folder or not rest:
        return DatasetAddress(FOLDER, Path(spec))
    if form.splits is None:
        return DatasetAddress(kind, Path(rest))
    root, _, split = rest.rpartition(":")
    if not (root and split):
        raise DatasetError(f"data set '{spec}': write {form.written}, such as {kind}:{rest or 'ROOT'}:{form.a_split}")
    return DatasetAddress(kind, Path(root), split)


def open_dataset(spec: str, drawings: Path, truth: TruthSettings | None = None) -> Dataset:
    """The data set behind a string. Nothing is decoded yet: see `truth_check.check_images`.

    Args:
        spec: see `parse_dataset`.
        drawings: where the demo scenes are drawn, once; not touched by the others.
        truth: how ground truth is read; None for the usual way.

    Raises:
        DatasetError: the string, the folder, the split or the annotations cannot be used.
    """
    address = parse_dataset(spec)
    return FORMATS[address.format].open(address, drawings, truth or TruthSettings())


def summarise(spec: str) -> DatasetSummary:
    """A quick look at the data set behind a string, in about the time its folder takes to list.

    Raises:
        DatasetError: no such folder or split, no image, or a bad list of classes.
    """
    address = parse_dataset(spec)
    return FORMATS[address.format].look(address)


def splits(name: str, root: str) -> tuple[str, ...]:
    """The splits that a folder offers under a format, sorted; none where the format knows none.

    Raises:
        DatasetError: it is no such folder.
    """
    listed = FORMATS[name].splits
    return listed(Path(root).expanduser()) if listed else ()


def absolute(spec: str) -> str:
    """The data set's string with its path made absolute, so that it means the same from any folder."""
    address = parse_dataset(spec)
    return str(address) if address.root is None else str(address.at(address.folder.resolve()))

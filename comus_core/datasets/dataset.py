"""Open a data set from its string; the registry of formats."""

from __future__ import annotations

from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets import class_folders, coco, coco_voc, folder, voc
from comus_core.datasets.demo import demo_format
from comus_core.datasets.format import FOLDER, DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.records import Dataset
from comus_core.errors import DatasetError
from comus_core.files.object_stores import object_store_fault
from comus_core.plugins import Registry

_OWN = (
    demo_format.FORMAT,
    folder.FORMAT,
    voc.FORMAT,
    coco.FORMAT,
    coco_voc.FORMAT,
    class_folders.FORMAT,
)

FORMATS: Registry[DatasetFormat] = Registry("data set format", "comus_explorer.datasets", DatasetFormat, _OWN)


def parse_dataset(spec: str) -> DatasetAddress:
    """Parse a data set's string, without looking at the disk.

    Args:
        spec: a folder's path, `voc:ROOT:SPLIT`, `coco:ROOT:SPLIT`, `demo` (a folder of that name is `./demo`), or
            `NAME:ROOT` of another format. ROOT may hold colons; SPLIT may not.

    Raises:
        DatasetError: it is empty, or has no folder or split.
    """
    if not spec.strip():
        raise DatasetError("no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
    kind, _, rest = spec.partition(":")
    form = FORMATS.get(kind) if kind != FOLDER else None
    if (fault := object_store_fault(spec if form is None else rest)) is not None:
        raise DatasetError(f"data set {fault}")
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
    """Open a data set. No image is decoded yet: see `truth_check.check_images`.

    `drawings` is the folder for the scenes of the demo; without `truth`, ground truth is read by the defaults.

    Raises:
        DatasetError: the string, the folder, the split or the annotations cannot be used.
    """
    address = parse_dataset(spec)
    return FORMATS[address.format].open(address, drawings, truth or TruthSettings())


def summarise(spec: str) -> DatasetSummary:
    """A quick summary of a data set, in about the time it takes to list its folder.

    Raises:
        DatasetError: no such folder or split, no image, or an invalid class list.
    """
    address = parse_dataset(spec)
    return FORMATS[address.format].look(address)


def splits(name: str, root: str) -> tuple[str, ...]:
    """The splits of a folder in a format, sorted; empty if the format has no splits.

    Raises:
        DatasetError: the folder is not of that format.
    """
    list_splits = FORMATS[name].splits
    return list_splits(Path(root).expanduser()) if list_splits else ()


def absolute(spec: str) -> str:
    """The data set's string with an absolute path."""
    address = parse_dataset(spec)
    return str(address) if address.root is None else str(address.at(address.folder.resolve()))

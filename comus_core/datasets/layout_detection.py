"""A quick look at a data set, for a page that asks what a run would work on: nothing is decoded or drawn."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from comus_core.datasets import coco, voc
from comus_core.datasets.class_lists import find_classes
from comus_core.datasets.demo.composition import CLASSES as DEMO_CLASSES
from comus_core.datasets.demo.scenes import N_SCENES
from comus_core.datasets.file_walk import walk_files
from comus_core.datasets.folder import list_images
from comus_core.datasets.image_sizes import largest_pixels
from comus_core.datasets.records import PassedOver
from comus_core.datasets.voc_layout import image_names
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import looks_like_image


@dataclass(frozen=True)
class Glance:
    """What a data set seems to hold; the run itself looks closer.

    Attributes:
        images: files found or listed.
        labelled: whether there is ground truth.
        classes: how many without background; None where only reading all of it would tell.
        synthetic: whether the images are drawn.
        largest: pixels of the largest image, see `largest_pixels`; 0 if none could be looked at.
        passed_over: files that are no photographs of the person's.
    """

    images: int
    labelled: bool
    classes: int | None = None
    synthetic: bool = False
    largest: int = 0
    passed_over: tuple[PassedOver, ...] = ()


def glance(spec: str) -> Glance:
    """Look at the data set behind a string (see `open_dataset`), in about the time its folder takes to list.

    Raises:
        DatasetError: no such folder or split, no image, or a bad list of classes.
    """
    if spec == "demo":
        return Glance(N_SCENES, True, len(DEMO_CLASSES) - 1, True)
    kind, _, rest = spec.partition(":")
    if kind in ("voc", "coco") and rest:
        folder, _, split = rest.rpartition(":")
        look = _voc if kind == "voc" else _coco
        return look(spec, Path(folder).expanduser(), split)
    root = Path(spec).expanduser()
    found = list_images(spec, root)
    listed = find_classes(root) if found.labelled else None
    known = len(listed.classes) - 1 if listed is not None else None
    largest = largest_pixels(file.path for file in found.files)
    return Glance(len(found.files), found.labelled, known, False, largest, found.passed_over)


def splits(kind: str, root: str) -> tuple[str, ...]:
    """The splits that a VOC or COCO folder offers, sorted.

    Raises:
        DatasetError: it is no such folder.
    """
    folder = Path(root).expanduser()
    return voc.list_splits(f"voc:{root}", folder) if kind == "voc" else coco.list_splits(f"coco:{root}", folder)


def _voc(spec: str, given: Path, split: str) -> Glance:
    root = voc.find_root(spec, given)
    listed, labelled = voc.class_list(root), voc.has_masks(root)
    classes = listed.classes if listed is not None else voc.CLASSES
    there = image_names(root)
    stems = voc.read_split(root, split, there)
    largest = largest_pixels(root / "JPEGImages" / name for stem in stems for name in there.get(stem, ()))
    return Glance(len(stems), labelled, len(classes) - 1 if labelled else None, largest=largest)


def _coco(spec: str, root: Path, split: str) -> Glance:
    folder = root / coco.find_files(spec, root, split).folder
    try:
        with os.scandir(folder) as entries:
            files = [path for entry in entries if looks_like_image(path := Path(entry.path))]
    except OSError as error:
        raise DatasetError(f"data set '{spec}': {folder}: {error.strerror or error}") from None
    files = files or list(filter(looks_like_image, walk_files(folder, folder, [])))  # in folders of their own
    if not files:
        raise DatasetError(f"data set '{spec}': no image in {folder}")
    return Glance(len(files), True, largest=largest_pixels(files))

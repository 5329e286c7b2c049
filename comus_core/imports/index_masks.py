"""Index masks: PNG files named like their images, and a list of classes; 0 is the background."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

import numpy as np

from comus_core.datasets.class_lists import CLASS_FILES, ClassList, Colour, read_classes
from comus_core.datasets.index_masks import read_index_mask
from comus_core.errors import DatasetError
from comus_core.imports.outlines import of_mask
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedCategory, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.types import IndexMask


def recognises(source: Source) -> bool:
    """Whether there are PNG files with a list of classes, in a folder `masks`, or nothing but PNG files."""
    pngs = source.named(".png")
    lists = any(PurePosixPath(name).name in CLASS_FILES for name in source.names)
    others = [n for n in source.names if n not in pngs and PurePosixPath(n).name != "comus.json"]
    return bool(pngs) and (lists or any("masks" in PurePosixPath(n).parts[:-1] for n in pngs) or not others)


def read(source: Source) -> ReadFile:
    """Every category of every mask: all its pixels in an image are one record, of one object or several.

    Raises:
        ValueError: there is no PNG file.
    """
    collected = Collected()
    pngs = source.named(".png")
    inside = [name for name in pngs if "masks" in PurePosixPath(name).parts[:-1]]
    if not pngs:
        raise ValueError("there is no PNG file")
    listed = class_list(source, collected)
    names = listed_categories(listed, collected)
    for name in inside or pngs:
        mask = read_mask(source, name, listed.colours if listed is not None else None, collected)
        if mask is None:
            continue
        parts = PurePosixPath(name).parts
        reference = "/".join(parts[parts.index("masks") + 1 :] if "masks" in parts[:-1] else parts)
        reference = reference.rpartition(".")[0]
        collected.images.append(ImportedImage(reference, (mask.shape[0], mask.shape[1]), source.label(name), ""))
        whole_categories(reference, source.label(name), mask, names, collected)
    return collected.read("index-masks", str(source.path))


def class_list(source: Source, collected: Collected, *, needed: bool = True) -> ClassList | None:
    """The list of classes: the first of `CLASS_FILES` that can be read; None where there is none."""
    for wanted in CLASS_FILES:
        for name in source.names:
            if PurePosixPath(name).name != wanted:
                continue
            try:
                with source.file(name) as path:
                    return read_classes(path)
            except (DatasetError, ValueError) as error:
                collected.refuse(source.label(name), "", str(error))
    if needed:
        collected.refuse(str(source.path), "classes.txt", "there is no list of classes; only the masks are read")
    return None


def listed_categories(listed: ClassList | None, collected: Collected) -> dict[int, str]:
    """Index -> name of each class but the background, which become the categories of the file."""
    names = dict(enumerate(listed.classes)) if listed is not None else {}
    names.pop(0, None)
    label = listed.file.name if listed is not None else ""
    collected.categories += [ImportedCategory(name, str(k), label, f"index {k}") for k, name in names.items()]
    return names


def read_mask(
    source: Source, name: str, colours: Mapping[Colour, int] | None, collected: Collected
) -> IndexMask | None:
    """The indices of a mask; None, and a problem, where it cannot be read."""
    try:
        with source.file(name) as path:
            return read_index_mask(path, colours)
    except (DatasetError, ValueError) as error:
        collected.refuse(source.label(name), "", str(error))
        return None


def void_of(mask: IndexMask) -> int:
    """The index of ignored pixels: the largest value of 8 or 16 bits."""
    return int(np.iinfo(mask.dtype).max)


def whole_categories(image: str, label: str, mask: IndexMask, names: Mapping[int, str], collected: Collected) -> None:
    """A record of each category in a mask, and of the pixels that are ignored."""
    void = void_of(mask)
    for index in np.unique(mask[mask != 0]).tolist():
        pixels, place = of_mask(mask == index), f"index {index}"
        if index == void and index not in names:
            collected.objects.append(ImportedObject(image, None, None, pixels, None, label, place, void=True))
            continue
        if names and index not in names:
            collected.refuse(label, place, "it is in no list of classes; only its mask is read")
        category = names.get(index)
        collected.objects.append(ImportedObject(image, category, str(index), pixels, None, label, place, whole=True))


READER = ReaderSpec("index-masks", "index PNGs named like the images, with classes.txt", recognises, read)

"""PASCAL VOC: index masks of classes and of objects, and boxes in XML where an image has no mask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from comus_core.datasets.class_lists import CLASS_FILES, ClassList
from comus_core.datasets.voc import CLASSES as VOC_CLASSES
from comus_core.imports.index_masks import class_list, listed_categories, read_mask, void_of, whole_categories
from comus_core.imports.json_files import number, size_of
from comus_core.imports.outlines import Box, of_mask
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line
from comus_core.types import IndexMask

CLASSES = ("SegmentationClass", "SegmentationClassAug", "SegmentationClassPNG")
OBJECTS, BOXES, IMAGES = "SegmentationObject", "Annotations", "JPEGImages"


def recognises(source: Source) -> bool:
    """Whether there are VOC's folders of masks, or XML files of its kind."""
    folders = {part for name in source.names for part in PurePosixPath(name).parts[:-1]}
    if folders & {*CLASSES, OBJECTS}:
        return True
    return any(b"<annotation" in source.head(n) and b"<annotations" not in source.head(n) for n in _xml(source)[:20])


def read(source: Source) -> ReadFile:
    """The objects of each image: from its mask of objects, else all pixels of each class, else its boxes.

    Raises:
        ValueError: there is neither a mask nor an XML file.
    """
    collected = Collected()
    classes, objects = _masks(source, CLASSES), _masks(source, (OBJECTS,))
    boxes = {_stem(name, BOXES): name for name in _xml(source)}
    if not (classes or objects or boxes):
        raise ValueError(f"there are no masks in {CLASSES[0]} or {OBJECTS}, and no XML files in {BOXES}")
    listed = class_list(source, collected, needed=False)
    lists = [name for name in source.names if PurePosixPath(name).name in CLASS_FILES]
    if listed is None and not lists and (classes or objects):
        listed = ClassList(VOC_CLASSES, Path("PASCAL VOC"))
        collected.notes.append(f"{source.path}: no labelmap.txt; the indices are those of PASCAL VOC's classes")
    names = listed_categories(listed, collected)
    named = {_stem(n, IMAGES): _below(n, IMAGES) for n in source.names if IMAGES in PurePosixPath(n).parts[:-1]}
    for stem in sorted({*classes, *objects, *boxes}):
        if stem in classes or stem in objects:
            of_class = _read(source, classes.get(stem), listed, collected)
            of_object = _read(source, objects.get(stem), None, collected)
            shown = source.label(objects.get(stem) or classes[stem])
            deep = stem in objects and _is_deep(source, objects[stem])
            _objects(named.get(stem, stem), shown, of_class, of_object, deep, names, collected)
        else:
            _boxes(source, boxes[stem], named.get(stem), collected)
    unused = sum(stem in classes or stem in objects for stem in boxes)
    if unused:
        collected.notes.append(f"{BOXES}: the boxes of {unused:,} images with masks are not read; their masks are")
    return collected.read("voc", str(source.path))


def _masks(source: Source, folders: tuple[str, ...]) -> dict[str, str]:
    """Stem below such a folder -> name of the mask."""
    return {
        _stem(name, folder): name
        for folder in folders
        for name in source.named(".png")
        if folder in PurePosixPath(name).parts[:-1]
    }


def _xml(source: Source) -> list[str]:
    return source.named(".xml")


def _below(name: str, folder: str) -> str:
    parts = PurePosixPath(name).parts
    return "/".join(parts[parts.index(folder) + 1 :] if folder in parts[:-1] else parts[-1:])


def _stem(name: str, folder: str) -> str:
    return _below(name, folder).rpartition(".")[0]


def _read(source: Source, name: str | None, listed: ClassList | None, collected: Collected) -> IndexMask | None:
    """A mask; those of objects have colours of no meaning, so only their indices count."""
    return read_mask(source, name, listed.colours if listed is not None else None, collected) if name else None


def _is_deep(source: Source, name: str) -> bool:
    """Whether a PNG is stored with 16 bits a pixel, as its header says."""
    head = source.head(name)
    return head[12:16] == b"IHDR" and head[24:25] == b"\x10"


def _objects(
    image: str,
    label: str,
    of_class: IndexMask | None,
    of_object: IndexMask | None,
    deep: bool,
    names: Mapping[int, str],
    collected: Collected,
) -> None:
    mask = of_object if of_object is not None else of_class
    if mask is None:
        return  # neither can be read, which is listed
    collected.images.append(ImportedImage(image, (mask.shape[0], mask.shape[1]), label, ""))
    if of_object is None:
        return whole_categories(image, label, mask, names, collected)
    if of_class is not None and of_class.shape != of_object.shape:
        collected.refuse(label, "", f"it has another size than its mask in {CLASSES[0]}; only its objects are read")
        of_class = None
    indices = np.unique(of_object[of_object != 0]).tolist()
    # A mask of 16 bits of which no index is above 255: its 255th object, or the void of a tool that writes 8 bits so.
    void = np.iinfo(np.uint16).max if deep and 254 in indices else void_of(of_object)
    for index in indices:
        pixels, place = of_object == index, f"object {index}"
        if index == void:
            collected.objects.append(ImportedObject(image, None, None, of_mask(pixels), None, label, place, void=True))
            continue
        found = of_class[pixels] if of_class is not None else np.zeros(0, np.uint8)
        found = found[(found != 0) & (found != void_of(found))]
        key = int(np.bincount(found).argmax()) if len(found) else None
        if key is not None and key not in names:
            collected.refuse(label, place, f"class {key} is in no list of classes; only its mask is read")
        category = names.get(key) if key is not None else None
        collected.objects.append(
            ImportedObject(image, category, str(key) if key is not None else None, of_mask(pixels), None, label, place)
        )


def _boxes(source: Source, name: str, image: str | None, collected: Collected) -> None:
    label = source.label(name)
    try:
        root = source.xml(name)
    except ValueError as error:
        return collected.refuse(label, "", str(error))
    image = image or root.findtext("filename") or _stem(name, BOXES)
    size = size_of(root.findtext("size/height"), root.findtext("size/width"))
    collected.images.append(ImportedImage(image, size, label, "filename"))
    for place, entry in enumerate(root.iterfind("object"), 1):
        corners = [number(entry.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
        values = [v for v in corners if v is not None]
        if len(values) != 4:
            collected.refuse(label, f"object {place}", "its bndbox has not four numbers; left out", image)
            continue
        outline = Box(values[0] - 1, values[1] - 1, values[2], values[3])  # VOC counts from 1, and the end is inside
        category = one_line(entry.findtext("name") or "") or None
        collected.objects.append(ImportedObject(image, category, None, outline, None, label, f"object {place}"))


READER = ReaderSpec("voc", "PASCAL VOC: a folder of SegmentationClass and SegmentationObject", recognises, read)

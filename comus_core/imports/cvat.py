"""CVAT for images 1.1: an XML file with `<image>` entries of masks, polygons and boxes."""

from __future__ import annotations

from xml.etree.ElementTree import Element

import numpy as np

from comus_core.datasets.coco_outlines import is_drawable
from comus_core.imports.coco import ID_FIELDS
from comus_core.imports.json_files import number, size_of
from comus_core.imports.outlines import Box, Outline, Parts, placed
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedCategory, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

Size = tuple[int, int]
SHAPES = ("mask", "polygon", "box", "polyline", "points", "ellipse", "cuboid", "skeleton")


def recognises(source: Source) -> bool:
    """Whether an XML file begins as CVAT's does."""
    return any(b"<annotations" in source.head(name) for name in source.named(".xml")[:20])


def read(source: Source) -> ReadFile:
    """Every mask, polygon and box; those of one label and one group in an image are one object.

    Raises:
        ValueError: no file is CVAT's.
    """
    collected, some = Collected(), False
    for name in source.named(".xml"):
        if b"<annotations" not in source.head(name):
            continue
        label = source.label(name)
        try:
            root = source.xml(name)
        except ValueError as error:
            collected.refuse(label, "", str(error))
            continue
        some = True
        for place, entry in enumerate(root.iterfind("./meta//labels/label/name"), 1):
            if entry.text and one_line(entry.text):
                collected.categories.append(ImportedCategory(one_line(entry.text), None, label, f"label {place}"))
        for place, image in enumerate(root.iterfind("image"), 1):
            _image(label, f"image {image.get('id') or f'number {place}'}", image, collected)
        if root.find("track") is not None:
            collected.refuse(label, "track", "tracks of a video are not read; export as CVAT for images 1.1")
    if not some:
        why = f" ({collected.problems[0].line})" if collected.problems else ""
        raise ValueError(f"no XML file begins with <annotations>{why}")
    return collected.read("cvat", str(source.path))


def _image(label: str, place: str, image: Element, collected: Collected) -> None:
    name, size = image.get("name"), size_of(image.get("height"), image.get("width"))
    if not name or not name.strip():
        return collected.refuse(label, place, "it has no name; its objects are left out")
    collected.images.append(ImportedImage(name, size, label, place))
    groups: dict[tuple[str, str], list[tuple[str, Element, Outline]]] = {}
    shapes = [shape for shape in image if shape.tag in SHAPES]
    for count, shape in enumerate(shapes, 1):
        words = f"{place} ({name}), {shape.tag} {count}"
        try:
            outline = _outline(shape, size)
        except ValueError as error:
            collected.refuse(label, words, f"{error}; left out", name)
            continue
        group = shape.get("group_id") or "0"
        key = (shape.get("label", ""), group) if group != "0" else ("", f"alone {count}")
        groups.setdefault(key, []).append((words, shape, outline))
    for members in groups.values():
        words, first, outline = members[0]
        parts = [part for _, _, o in members if isinstance(o, Parts) for part in o.parts]
        if len(members) > 1 and parts:
            outline = Parts(tuple(parts))
        category = one_line(first.get("label", "")) or None
        ids = [i for _, shape, _ in members if (i := _id(shape)) is not None]
        collected.objects.append(ImportedObject(name, category, None, outline, ids[0] if ids else None, label, words))


def _outline(shape: Element, size: Size | None) -> Outline:
    if shape.tag == "mask":
        return _mask(shape, size)
    if shape.tag == "polygon":
        points = [number(v) for pair in shape.get("points", "").split(";") for v in pair.split(",")]
        flat = [v for v in points if v is not None]
        if len(flat) < 6 or len(flat) % 2 or len(flat) != len(points):
            raise ValueError(f"its points {shape.get('points', '')[:40]!r} are not three pairs of numbers or more")
        return Parts((flat,))
    if shape.tag == "box":
        box = [number(shape.get(k)) for k in ("xtl", "ytl", "xbr", "ybr")]
        values = [v for v in box if v is not None]
        if len(values) != 4:
            raise ValueError("its corners are not four numbers")
        if number(shape.get("rotation") or 0):
            raise ValueError(f"a box turned by {shape.get('rotation')} degrees; draw a polygon")
        return Box(values[0], values[1], values[2], values[3])
    raise ValueError(f"a {shape.tag} is no mask; draw a mask or a polygon")


def _mask(shape: Element, size: Size | None) -> Outline:
    """Run lengths by rows inside a box, outside first."""
    if size is None:
        raise ValueError("a mask in an image without width and height")
    left, top, width, height = (number(shape.get(k)) for k in ("left", "top", "width", "height"))
    if left is None or top is None or width is None or height is None or width < 1 or height < 1:
        raise ValueError("its left, top, width and height are not numbers")
    if not is_drawable(*size):
        raise ValueError(f"the image of {size[0]} x {size[1]} pixels is larger than the largest readable image")
    runs = [number(v) for v in shape.get("rle", "").split(",")]
    lengths = [int(v) for v in runs if v is not None and v >= 0]
    area = int(width) * int(height)
    if len(lengths) != len(runs) or sum(lengths) != area or area > size[0] * size[1]:
        raise ValueError(f"its run lengths have {sum(lengths):,} pixels, not {int(height)} x {int(width)} = {area:,}")
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return placed(flat.reshape(int(height), int(width)), int(left), int(top), size)


def _id(shape: Element) -> str | None:
    """The exported id: an attribute of the shape."""
    for attribute in shape.iterfind("attribute"):
        if attribute.get("name") in ID_FIELDS and attribute.text and attribute.text.strip():
            return attribute.text.strip()
    return None


READER = ReaderSpec("cvat", "CVAT for images 1.1: an XML file", recognises, read)

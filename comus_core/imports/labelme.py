"""labelme and X-AnyLabeling: one JSON file an image, with shapes."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from comus_core.datasets.coco_outlines import is_drawable
from comus_core.imports.coco import object_id_of
from comus_core.imports.json_files import any_json, contents, number, size_of
from comus_core.imports.outlines import Box, Outline, Parts, of_mask, placed
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

Size = tuple[int, int]
POLYGONS = ("polygon", "rotation", "linestrip_closed")
CORNERS = 64  # of the polygon that a circle becomes


def recognises(source: Source) -> bool:
    """Whether a JSON file has shapes."""
    return any_json(source, _is_labelme)


def read(source: Source) -> ReadFile:
    """Every shape of every file; shapes of one label and one `group_id` are one object.

    Raises:
        ValueError: no file has shapes.
    """
    collected, some = Collected(), False
    for name, content in contents(source, collected):
        if _is_labelme(content):
            some = True
            _read(source.label(name), name, content, collected)
    if not some:
        why = f" ({collected.problems[0].line})" if collected.problems else ""
        raise ValueError(f"no JSON file has shapes{why}")
    return collected.read("labelme", str(source.path))


def _is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def _read(label: str, name: str, content: Mapping[str, Any], collected: Collected) -> None:
    image, size = content.get("imagePath"), size_of(content.get("imageHeight"), content.get("imageWidth"))
    if not isinstance(image, str) or not image.strip():
        return collected.refuse(label, "imagePath", "it names no image; left out")
    collected.images.append(ImportedImage(image, size, label, "imagePath"))
    groups: dict[Any, list[tuple[str, Mapping[str, Any], Outline]]] = {}
    for place, shape in enumerate(content["shapes"], 1):
        words = f"shape {place}"
        if not isinstance(shape, dict):
            collected.refuse(label, words, f"{shape!r:.60} is no shape; remove it", image)
            continue
        try:
            outline = _outline(shape, size)
        except ValueError as error:
            collected.refuse(label, words, f"{error}; left out", image)
            continue
        group = shape.get("group_id")
        key = (str(shape.get("label")), str(group)) if group is not None else place
        groups.setdefault(key, []).append((words, shape, outline))
    for shapes in groups.values():
        words, first, outline = shapes[0]
        if len(shapes) > 1:
            outline = _joined(shapes, label, collected)
        title = first.get("label")
        category = one_line(title) if isinstance(title, str) and one_line(title) else None
        collected.objects.append(ImportedObject(image, category, None, outline, _id(first), label, words))


def _outline(shape: Mapping[str, Any], size: Size | None) -> Outline:
    kind, written = shape.get("shape_type") or "polygon", shape.get("points") or []
    pairs = written if isinstance(written, list) else []
    points = [(number(p[0]), number(p[1])) for p in pairs if isinstance(p, list) and len(p) == 2]
    flat = [value for point in points for value in point if value is not None]
    if len(flat) != 2 * len(points) or len(points) != len(pairs) or pairs is not written:
        raise ValueError(f"its points {shape.get('points')!r:.60} are not pairs of numbers")
    if kind == "mask":
        return _mask(shape, flat, size)
    if kind in POLYGONS and len(points) >= 3:
        return _polygon(flat, size)
    if kind == "rectangle" and len(points) in (2, 4):
        return Box(min(flat[::2]), min(flat[1::2]), max(flat[::2]), max(flat[1::2]))
    if kind == "circle" and len(points) == 2:
        radius = math.hypot(flat[2] - flat[0], flat[3] - flat[1])
        turns = [2 * math.pi * k / CORNERS for k in range(CORNERS)]
        return Parts(([v for t in turns for v in (flat[0] + radius * math.cos(t), flat[1] + radius * math.sin(t))],))
    raise ValueError(f"a {kind!s:.40} of {len(points)} points encloses no object; draw a polygon or a mask")


def _polygon(flat: list[float], size: Size | None) -> Outline:
    """A polygon as labelme fills it: its corners are centres of pixels, and all pixels below its line are inside."""
    if size is None or not is_drawable(*size):
        return Parts(([value + 0.5 for value in flat],))
    image = Image.new("1", (size[1], size[0]))
    ImageDraw.Draw(image).polygon(list(zip(flat[::2], flat[1::2], strict=True)), fill=1, outline=1)
    mask = np.asarray(image, bool)
    return replace(of_mask(mask), of_polygon=True)


def _mask(shape: Mapping[str, Any], flat: list[float], size: Size | None) -> Outline:
    """A PNG of the pixels of its box, whose corners are its points, both inside."""
    if size is None or len(flat) != 4:
        raise ValueError("a mask needs imageHeight and imageWidth, and two points")
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(shape.get("mask")), validate=True)), formats=("PNG",)) as image:
            mask = np.asarray(image.convert("L")) > 0
    except Exception as error:  # as in decoding: a damaged file may raise anything
        raise ValueError(f"its mask is not a PNG in base64 ({error})") from None
    return placed(mask, round(flat[0]), round(flat[1]), size)


def _joined(shapes: list[tuple[str, Mapping[str, Any], Outline]], label: str, collected: Collected) -> Outline:
    """Shapes of one group as one outline; a box among others is left out."""
    parts = [part for _, _, outline in shapes if isinstance(outline, Parts) for part in outline.parts]
    for words, _, outline in shapes:
        if isinstance(outline, Box) and parts:
            collected.refuse(label, words, "a box in a group with polygons; only the polygons are read")
    rough = any(isinstance(outline, Parts) and not outline.exact for _, _, outline in shapes)
    return Parts(tuple(parts), of_polygon=rough) if parts else shapes[0][2]


def _id(shape: Mapping[str, Any]) -> str | None:
    """The exported id: a field of the shape, or its description, which labelme and X-AnyLabeling keep."""
    flags, words = shape.get("flags"), shape.get("description")
    found = object_id_of(shape) or (object_id_of(flags) if isinstance(flags, dict) else None)
    return found or (words.strip() or None if isinstance(words, str) and "#" in words else None)


READER = ReaderSpec("labelme", "labelme and X-AnyLabeling: one JSON file an image", recognises, read)

"""COCO instances: a JSON file with `images`, `annotations` and `categories`, or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comus_core.datasets.coco_content import id_text
from comus_core.datasets.coco_outlines import box_of, parts_of
from comus_core.imports.json_files import any_json, contents, size_of
from comus_core.imports.outlines import Box, Outline, Parts
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedCategory, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

Entry = Mapping[str, Any]


def recognises(source: Source) -> bool:
    """Whether a JSON file has images and annotations."""
    return any_json(source, lambda content: _is_coco(content) or _is_panoptic(content))


def read(source: Source) -> ReadFile:
    """Every annotation of every such file.

    Raises:
        ValueError: no file is COCO instances.
    """
    collected, some = Collected(), False
    for name, content in contents(source, collected):
        if _is_panoptic(content):
            raise ValueError("COCO panoptic has its masks in PNG files and is not read; export COCO instances")
        if _is_coco(content):
            some = True
            _File(source.label(name), collected).read(content)
    if not some:
        why = f" ({collected.problems[0].line})" if collected.problems else ""
        raise ValueError(f"no JSON file has the lists images and annotations{why}")
    return collected.read("coco", str(source.path))


def _is_coco(content: Any) -> bool:
    lists = isinstance(content, dict) and all(isinstance(content.get(k), list) for k in ("images", "annotations"))
    return lists and not _is_panoptic(content)


def _is_panoptic(content: Any) -> bool:
    entries = content.get("annotations") if isinstance(content, dict) else None
    return isinstance(entries, list) and any(isinstance(e, dict) and "segments_info" in e for e in entries[:1])


class _File:
    """One COCO file on its way into the records."""

    def __init__(self, label: str, collected: Collected) -> None:
        self.label, self.collected = label, collected
        self.image_of: dict[str, str] = {}  # id -> name
        self.name_of: dict[str, str] = {}  # category id -> name

    def read(self, content: Entry) -> None:
        about = content.get("info")
        if isinstance(about, dict) and isinstance(about.get("comus"), dict):
            self.collected.export = dict(about["comus"])
        for number, entry in enumerate(content["images"], 1):
            self._image(number, entry)
        categories = content.get("categories")
        for number, entry in enumerate(categories if isinstance(categories, list) else (), 1):
            self._category(number, entry)
        seen: set[str] = set()
        for number, entry in enumerate(content["annotations"], 1):
            self._annotation(number, entry, seen)

    def _refuse(self, place: str, message: str, image: str | None = None) -> None:
        self.collected.refuse(self.label, place, message, image)

    def _image(self, number: int, entry: Any) -> None:
        place = f"image {number}"
        if not isinstance(entry, dict):
            return self._refuse(place, f"{entry!r:.60} is no entry of an image; remove it")
        key, name = id_text(entry.get("id")), entry.get("file_name")
        if not key:
            return self._refuse(place, f"it has no id ({entry.get('id')!r:.40}); its annotations cannot be found")
        if not isinstance(name, str) or not name.strip():
            return self._refuse(f"image id {key}", "it has no file_name; add it")
        if key in self.image_of:
            return self._refuse(f"image id {key}", f"two images have this id; '{name}' and its objects are left out")
        self.image_of[key] = name
        size = size_of(entry.get("height"), entry.get("width"))
        self.collected.images.append(ImportedImage(name, size, self.label, f"image id {key}"))

    def _category(self, number: int, entry: Any) -> None:
        key, name = (id_text(entry.get(k)) for k in ("id", "name")) if isinstance(entry, dict) else ("", "")
        if not key or not one_line(name):
            return self._refuse(f"category {number}", f"{entry!r:.60} has no id or no name; add it")
        if key in self.name_of:
            return self._refuse(f"category id {key}", f"two categories have this id: '{name}' is left out")
        self.name_of[key] = one_line(name)
        self.collected.categories.append(ImportedCategory(one_line(name), key, self.label, f"category id {key}"))

    def _annotation(self, number: int, entry: Any, seen: set[str]) -> None:
        if not isinstance(entry, dict):
            return self._refuse(f"annotation {number}", f"{entry!r:.60} is no entry of an object; remove it")
        key = id_text(entry.get("id"))
        place = f"annotation {key}" if key else f"annotation number {number}"
        if key and key in seen:
            place += f" (number {number}, an id that is there twice)"
        seen.add(key)
        image, category = id_text(entry.get("image_id")), id_text(entry.get("category_id"))
        if image not in self.image_of:
            return self._refuse(place, f"it is of image {image or 'none'}, which the file does not list; left out")
        if category and category not in self.name_of:
            self._refuse(place, f"category {category} is not in the list of categories; only its mask is read")
        outline = self._outline(place, entry, self.image_of[image])
        if outline is not None:
            name = self.name_of.get(category)
            record = ImportedObject(
                self.image_of[image], name, category or None, outline, object_id_of(entry), self.label, place
            )
            self.collected.objects.append(record)

    def _outline(self, place: str, entry: Entry, image: str) -> Outline | None:
        try:
            parts = parts_of(entry.get("segmentation"))
        except ValueError as error:
            self._refuse(place, f"its segmentation cannot be read: {error}; left out", image)
            return None
        box = box_of(dict(entry))
        if parts:
            return Parts(tuple(parts))
        if box is not None:
            return Box(box[0], box[1], box[0] + box[2], box[1] + box[3])
        self._refuse(place, "it has neither a segmentation of three corners or more nor a box; left out", image)
        return None


def object_id_of(entry: Entry) -> str | None:
    """The id with which an annotation was exported: among its fields, or its attributes, where CVAT keeps it."""
    attributes = entry.get("attributes")
    for place in (entry, attributes if isinstance(attributes, dict) else {}):
        for name in ID_FIELDS:
            if isinstance(place.get(name), str) and place[name].strip():
                return str(place[name]).strip()
    return None


ID_FIELDS = ("comus_id", "object_id", "proposal_id")

READER = ReaderSpec("coco", "COCO instances: one JSON file or several", recognises, read)

"""The entries of a COCO file: images, categories, annotations; every error names its entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core.datasets.class_lists import BACKGROUND, is_background
from comus_core.datasets.coco_outlines import Box, box_of, is_drawable, parts_of, size_of_runs
from comus_core.errors import DatasetError
from comus_core.text import one_line
from comus_core.types import ImageId

Content = Mapping[str, Any]


@dataclass(frozen=True)
class ImageEntry:
    """A listed image; `size_hw` is None where the file does not say."""

    image_id: ImageId
    file_name: str
    size_hw: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Instance:
    """An annotated object.

    Attributes:
        name: the annotation's id, for messages.
        index: its class.
        parts: polygons and run lengths; empty if it has no outline.
        box: x, y, width, height, or None.
        lost: whether it has neither outline nor box.
        crowd: whether it is a group of objects drawn as one (`iscrowd`).
    """

    name: str
    index: int
    parts: list[Any]
    box: Box | None
    lost: bool
    crowd: bool = False


@dataclass(frozen=True)
class Categories:
    """Names by class index, the index of each category's id, and the names of supercategories without annotations."""

    classes: tuple[str, ...]
    index_of: Mapping[str, int]
    groups: tuple[str, ...]


def images_of(content: Content, source: Path) -> Iterator[ImageEntry]:
    """The images that a file lists.

    Raises:
        DatasetError: an entry without id or name, or with an impossible size.
    """
    for entry in _entries(content, "images", source):
        image_id, name = id_text(entry.get("id")), entry.get("file_name")
        if not image_id or not isinstance(name, str) or not name:
            field = "id" if not image_id else "file_name"
            raise DatasetError(f"{source}: an image without {field}: {_short(entry)}; add it, or remove the image")
        if image_id.startswith("/") or ".." in image_id.split("/") or "\\" in image_id or not image_id.isprintable():
            raise DatasetError(f"{source}: the image id {image_id!r:.80} is not a valid name; use a number or a word")
        size = _size(entry)
        if size is not None and not is_drawable(*size):
            raise DatasetError(
                f"{source}: the image {image_id} has height {size[0]} and width {size[1]}, more than the largest "
                "readable image; correct or remove them"
            )
        yield ImageEntry(image_id, name, size)


def categories_of(content: Content, source: Path, *, keep_groups: bool) -> Categories:
    """The classes of a file: its categories in their order, "background" first.

    A category without annotations that is the supercategory of others, as Roboflow writes it, is a class only if
    `keep_groups`.

    Raises:
        DatasetError: an entry without id or name, or a duplicate id or name.
    """
    entries = _entries(content, "categories", source)
    used = Counter(id_text(annotation.get("category_id")) for annotation in _entries(content, "annotations", source))
    classes, index_of, groups = [BACKGROUND], dict[str, int](), []
    for entry in entries:
        category, title = id_text(entry.get("id")), entry.get("name")
        name = one_line(title) if isinstance(title, str) else ""
        if not category or not name:
            raise DatasetError(
                f"{source}: a category without {'id' if not category else 'name'}: {_short(entry)}; add it"
            )
        if category in index_of:
            raise DatasetError(f"{source}: duplicate category id {category}; remove one")
        if not keep_groups and not used[category] and _groups_others(entry, entries):
            groups.append(name)
            continue
        if not is_background(name) and name in classes:
            raise DatasetError(f"{source}: two categories have the name '{name}'; rename one, or merge them")
        index_of[category] = 0 if is_background(name) else len(classes)
        if not is_background(name):
            classes.append(name)
    if len(classes) == 1:
        raise DatasetError(f"{source}: no category besides background; add one")
    return Categories(tuple(classes), index_of, tuple(groups))


def instances_of(
    content: Content, source: Path, categories: Categories, images: Container[ImageId]
) -> dict[ImageId, list[Instance]]:
    """The annotations of the given images, in file order.

    Raises:
        DatasetError: an annotation without image or category, of an unlisted category, or with an invalid outline.
    """
    instances: dict[ImageId, list[Instance]] = {}
    for number, entry in enumerate(_entries(content, "annotations", source), start=1):
        name = id_text(entry.get("id")) or f"number {number}"
        image_id, category = id_text(entry.get("image_id")), id_text(entry.get("category_id"))
        if not image_id or not category:
            field = "image_id" if not image_id else "category_id"
            raise DatasetError(f"{source}: annotation {name} has no {field}; add it, or remove the annotation")
        if category not in categories.index_of:
            raise DatasetError(f"{source}: annotation {name} has the unlisted category {category}; add the category")
        if image_id not in images:
            continue
        outline = entry.get("segmentation")
        try:
            parts, box = parts_of(outline), box_of(entry)
            size_of_runs(parts)
        except ValueError as error:
            raise DatasetError(
                f"{source}: annotation {name} of image {image_id} has an invalid segmentation: {error}; export it "
                "again, or remove that annotation"
            ) from None
        # Two corners enclose nothing, but they do locate the object.
        lost = not parts and box is None and not (isinstance(outline, list) and outline)
        crowd = bool(entry.get("iscrowd", False))
        instances.setdefault(image_id, []).append(
            Instance(name, categories.index_of[category], parts, box, lost, crowd)
        )
    return instances


def id_text(value: Any) -> str:
    """An id as text, "" if it is not valid: integers in decimal, text unchanged."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, int | str) else ""


def _entries(content: Content, name: str, source: Path) -> list[dict[str, Any]]:
    entries = content.get(name)
    if not isinstance(entries, list):
        raise DatasetError(f"{source}: not COCO instances (no list '{name}')")
    odd = next((entry for entry in entries if not isinstance(entry, dict)), None)
    if odd is not None:
        raise DatasetError(f"{source}: not COCO instances (the list '{name}' contains {odd!r:.40})")
    return entries


def _groups_others(entry: Mapping[str, Any], entries: list[dict[str, Any]]) -> bool:
    return any(other is not entry and other.get("supercategory") == entry["name"] for other in entries)


def _size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    try:
        height, width = int(entry["height"]), int(entry["width"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return (height, width) if height > 0 and width > 0 else None


def _short(entry: Mapping[str, Any]) -> str:
    return f"{dict(entry)!r:.120}"

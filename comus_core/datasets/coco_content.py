"""What a COCO file says, entry by entry: images, categories, annotations; each fault names its entry."""

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
    """An image as listed; `size_hw` is None where the file does not say."""

    image_id: ImageId
    file_name: str
    size_hw: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Instance:
    """An annotated object.

    Attributes:
        name: the annotation's id, for messages.
        index: its class.
        parts: polygons and run lengths; none: it has no outline.
        box: x, y, width, height, or None.
        lost: whether nothing at all says where the object is.
    """

    name: str
    index: int
    parts: list[Any]
    box: Box | None
    lost: bool


@dataclass(frozen=True)
class Categories:
    """Names by class index, the index of each category's id, and the names of those that only group others."""

    classes: tuple[str, ...]
    index_of: Mapping[str, int]
    groups: tuple[str, ...]


def images_of(content: Content, source: Path) -> Iterator[ImageEntry]:
    """The images that a file lists.

    Raises:
        DatasetError: an entry without id or name, or of a size that no image has; says which.
    """
    for entry in _entries(content, "images", source):
        image_id, name = id_text(entry.get("id")), entry.get("file_name")
        if not image_id or not isinstance(name, str) or not name:
            what = "id" if not image_id else "file_name"
            raise DatasetError(f"{source}: an image without {what}: {_short(entry)}; add it, or remove the image")
        if image_id.startswith("/") or ".." in image_id.split("/") or "\\" in image_id or not image_id.isprintable():
            raise DatasetError(f"{source}: the image id {image_id!r:.80} cannot name a file; use a number or a word")
        size = _size(entry)
        if size is not None and not is_drawable(*size):
            raise DatasetError(
                f"{source}: the image {image_id} is listed with height {size[0]} and width {size[1]}, larger than any "
                "image that can be read; correct the two, or remove them"
            )
        yield ImageEntry(image_id, name, size)


def categories_of(content: Content, source: Path, *, keep_groups: bool) -> Categories:
    """The classes of a file: its categories in their order, "background" first.

    A category without annotations that others name as their supercategory only groups those, as Roboflow writes it; it
    is a class only where `keep_groups`.

    Raises:
        DatasetError: an entry without id or name, an id or a name twice; says which.
    """
    entries = _entries(content, "categories", source)
    used = Counter(id_text(annotation.get("category_id")) for annotation in _entries(content, "annotations", source))
    classes, index_of, groups = [BACKGROUND], dict[str, int](), []
    for entry in entries:
        category, given = id_text(entry.get("id")), entry.get("name")
        name = one_line(given) if isinstance(given, str) else ""
        if not category or not name:
            raise DatasetError(f"{source}: a category without {'id' if not category else 'name'}: {_short(entry)}")
        if category in index_of:
            raise DatasetError(f"{source}: the category id {category} is listed more than once; remove one")
        if not keep_groups and not used[category] and _groups_others(entry, entries):
            groups.append(name)
            continue
        if not is_background(name) and name in classes:
            raise DatasetError(f"{source}: two categories have the name '{name}'; rename one, or give both one id")
        index_of[category] = 0 if is_background(name) else len(classes)
        if not is_background(name):
            classes.append(name)
    if len(classes) == 1:
        raise DatasetError(f"{source}: no category besides background")
    return Categories(tuple(classes), index_of, tuple(groups))


def instances_of(
    content: Content, source: Path, categories: Categories, images: Container[ImageId]
) -> dict[ImageId, list[Instance]]:
    """The annotations of some images, in file order.

    Raises:
        DatasetError: an annotation without image or category, of an unlisted category, or with an outline that is none.
    """
    found: dict[ImageId, list[Instance]] = {}
    for number, entry in enumerate(_entries(content, "annotations", source), start=1):
        name = id_text(entry.get("id")) or f"number {number}"
        image_id, category = id_text(entry.get("image_id")), id_text(entry.get("category_id"))
        if not image_id or not category:
            what = "image_id" if not image_id else "category_id"
            raise DatasetError(f"{source}: annotation {name} has no {what}; add it, or remove the annotation")
        if category not in categories.index_of:
            raise DatasetError(f"{source}: annotation {name} has the unlisted category {category}; list it")
        if image_id not in images:
            continue
        given = entry.get("segmentation")
        try:
            parts, box = parts_of(given), box_of(entry)
            size_of_runs(parts)
        except ValueError as error:
            raise DatasetError(
                f"{source}: annotation {name} of image {image_id} has a bad segmentation: {error}; export it anew, or "
                "remove that annotation"
            ) from None
        # Two corners enclose nothing, but they tell where nothing is enclosed.
        lost = not parts and box is None and not (isinstance(given, list) and given)
        found.setdefault(image_id, []).append(Instance(name, categories.index_of[category], parts, box, lost))
    return found


def id_text(value: Any) -> str:
    """An id as text, "" if it is none: whole numbers in decimals, text as it is."""
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() if isinstance(value, int | str) else ""


def _entries(content: Content, name: str, source: Path) -> list[dict[str, Any]]:
    entries = content.get(name)
    if not isinstance(entries, list):
        raise DatasetError(f"{source}: not COCO instances (it has no list '{name}')")
    odd = next((entry for entry in entries if not isinstance(entry, dict)), None)
    if odd is not None:
        raise DatasetError(f"{source}: not COCO instances (its list '{name}' holds {odd!r:.40})")
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

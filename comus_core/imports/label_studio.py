"""Label Studio: a JSON list of tasks, or one task a file, with brush strokes, polygons or boxes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from comus_core.imports.brush import decode
from comus_core.imports.coco import object_id_of
from comus_core.imports.json_files import any_json, contents, number, size_of
from comus_core.imports.outlines import Box, Outline, Parts, of_mask
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedImage, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

Entry = Mapping[str, Any]
EXPORTED = re.compile(r"(.+#d?\d+)(\.\d+)?")  # of several polygons of one object each has a number of its own
LISTS = ("annotations", "completions", "predictions")  # completions: before version 1


def recognises(source: Source) -> bool:
    """Whether a JSON file holds tasks."""
    return any_json(source, lambda content: bool(_tasks(content)))


def read(source: Source) -> ReadFile:
    """Every region of the annotation of each task; of a task that nobody annotated, those of its prediction.

    Raises:
        ValueError: no file holds tasks.
    """
    collected, tasks = Collected(), 0
    for name, content in contents(source, collected):
        for place, task in enumerate(_tasks(content), 1):
            tasks += 1
            _task(source.label(name), f"task {task.get('id', f'number {place}')}", task, collected)
    if not tasks:
        why = f" ({collected.problems[0].line})" if collected.problems else ""
        raise ValueError(f"no JSON file holds tasks with data and annotations{why}")
    silent = tasks - len(collected.images)
    if silent:
        collected.notes.append(f"{silent:,} tasks have no annotation and no prediction; their images stay")
    return collected.read("label-studio", str(source.path))


def _tasks(content: Any) -> list[Entry]:
    tasks = content if isinstance(content, list) else [content]
    return [t for t in tasks if isinstance(t, dict) and isinstance(t.get("data"), dict) and any(k in t for k in LISTS)]


def _task(label: str, place: str, task: Entry, collected: Collected) -> None:
    image = _image_of(task["data"])
    if image is None:
        return collected.refuse(label, place, "its data names no image; left out")
    results = _results(task, label, place, collected)
    if results is None:  # nobody has said anything of its image
        return None
    sizes = [s for r in results if (s := size_of(r.get("original_height"), r.get("original_width"))) is not None]
    collected.images.append(ImportedImage(image, sizes[0] if sizes else None, label, place))
    parts: dict[str, list[tuple[str, Entry, Outline]]] = {}
    for number_, region in enumerate(results, 1):
        words = f"{place}, region {region.get('id', number_)}"
        if region.get("type") in ("choices", "textarea", "rating", "relation", "pairwise"):
            continue
        try:
            outline = _outline(region)
        except ValueError as error:
            collected.refuse(label, words, f"{error}; left out", image)
            continue
        key = _id(region) if isinstance(outline, Parts) and not outline.exact else None
        parts.setdefault(key or f"alone {number_}", []).append((words, region, outline))
    for regions in parts.values():
        words, first, outline = regions[0]
        if len(regions) > 1:  # the polygons of one object
            joined = [part for _, _, o in regions if isinstance(o, Parts) for part in o.parts]
            outline = Parts(tuple(joined), shares=True)
        collected.objects.append(ImportedObject(image, _label(first), None, outline, _id(first), label, words))


def _image_of(data: Entry) -> str | None:
    """The address of the image: under `image`, else the only text that looks like one."""
    if isinstance(data.get("image"), str) and data["image"].strip():
        return str(data["image"])
    texts = [v for k, v in data.items() if isinstance(v, str) and v.strip() and not k.startswith("comus")]
    return texts[0] if len(texts) == 1 else None


def _results(task: Entry, label: str, place: str, collected: Collected) -> list[Entry] | None:
    for kind in LISTS:
        listed = task.get(kind)
        entries = listed if isinstance(listed, list) else []
        entries = [e for e in entries if isinstance(e, dict) and isinstance(e.get("result"), list)]
        entries = [e for e in entries if not e.get("was_cancelled")]
        if entries:
            if len(entries) > 1:
                what = f"{len(entries)} {kind}; the last one is read"
                collected.notes.append(f"{label}, {place}: it has {what}")
            return [region for region in entries[-1]["result"] if isinstance(region, dict)]
    return None


def _outline(region: Entry) -> Outline:
    value = region.get("value")
    if not isinstance(value, dict):
        raise ValueError(f"it has no value ({value!r:.40})")
    if value.get("format") == "rle" or "rle" in value:
        size = size_of(region.get("original_height"), region.get("original_width"))
        if size is None:
            raise ValueError("a brush without original_width and original_height")
        return of_mask(decode(value.get("rle"), size))
    if "points" in value:
        points = value["points"]
        pairs = points if isinstance(points, list) else []
        flat = [number(v) for point in pairs if isinstance(point, list) for v in point]
        if len(flat) < 6 or len(flat) % 2 or None in flat:
            raise ValueError(f"its points {points!r:.60} are not three pairs of numbers or more")
        return Parts(([v / 100 for v in flat if v is not None],), shares=True)
    box = [number(value.get(k)) for k in ("x", "y", "width", "height")]
    if None not in box:
        if value.get("rotation"):
            raise ValueError(f"a box turned by {value['rotation']} degrees; draw a polygon")
        x, y, width, height = (v / 100 for v in box if v is not None)
        if "radiusX" not in value:
            return Box(x, y, x + width, y + height, shares=True)
    raise ValueError(f"a region of type {region.get('type')!r:.40} is no mask; draw a brush or a polygon")


def _label(region: Entry) -> str | None:
    value = region["value"]
    names: Sequence[Any] = next(
        (value[k] for k in value if k.endswith("labels") and isinstance(value[k], list) and value[k]), ()
    )
    return one_line(str(names[0])) or None if names else None


def region_id(object_id: str) -> str:
    """The id of an exported object's region: without "#", behind which Label Studio's editor cuts an id off.

    Regions of one image whose ids are then equal are one region to it, the next time that it opens them.
    """
    return object_id.replace("%", "%25").replace("#", "%23")


def _id(region: Entry) -> str | None:
    """The exported id: in the region's `meta`, or the region's own id, of a further polygon with a number behind it."""
    meta, own = region.get("meta"), region.get("id")
    found = object_id_of(meta) if isinstance(meta, dict) else None
    if found is not None or not isinstance(own, str):
        return found
    exported = EXPORTED.fullmatch(own.replace("%23", "#").replace("%25", "%"))
    return exported.group(1) if exported else None


READER = ReaderSpec("label-studio", "Label Studio: a JSON list of tasks, brush or polygons", recognises, read)

"""COCO instances: `annotations/instances_SPLIT.json` and `images/`; read by pycocotools, FiftyOne, CVAT, Detectron2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part, json_list
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.formats.polygons import coco_polygons
from comus_core.export.records import ExportImage, ExportObject

ONE_SPLIT = "default"  # what CVAT and Datumaro call a data set without splits
IMAGE = b'{"id":%d,"file_name":%s,"width":%d,"height":%d,"comus_id":%s}'
PLACE = b'"image_id":%d,"category_id":%d,"bbox":[%d,%d,%d,%d],"area":%d,"iscrowd":0'
ATTRIBUTES = b'"attributes":{"comus_id":%s,"score":%s,"core":%s,"accepted":%s,"by_hand":%s}}'


class CocoWriter:
    """A JSON file a split, written image by image; ids of categories are the stable ids + 1, as 0 is the background."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Keep the rows of an image."""
        split = image.split or ONE_SPLIT
        name, image_id = json_bytes(file_name(image, self._plan)), json_bytes(image.id)
        part.line(f"images-{split}", IMAGE % (image.number, name, image.width, image.height, image_id))
        for one in objects:
            part.line(f"annotations-{split}", self._annotation(image, one))

    def finish(self, export: Export) -> None:
        """Join the rows; an annotation's id is its number in the file."""
        for split in (name or ONE_SPLIT for name in self._plan.splits):
            with export.open(f"annotations/instances_{split}.json") as file:
                file.write(b'{"info":' + json_bytes(info(self._plan)) + b',"licenses":[],"categories":')
                file.write(json_bytes(coco_categories(self._plan)) + b',"images":[\n')
                file.writelines(json_list(export, f"images-{split}"))
                file.write(b'],"annotations":[\n')
                for number, line in enumerate(export.lines(f"annotations-{split}"), 1):
                    file.write(b'%s{"id":%d,%s' % (b",\n" if number > 1 else b"", number, line))
                file.write(b"]}\n")

    def _annotation(self, image: ExportImage, one: ExportObject) -> bytes:
        """The row of an object behind its id, put together here: JSON's encoder takes several times as long."""
        settings = self._plan.settings
        if settings.masks == "polygons":
            segmentation = json_bytes(coco_polygons(one, settings.tolerance or 0.0))
        else:
            packed = one.rle.replace(b"\\", b"\\\\")  # of what JSON escapes, run lengths hold this alone
            segmentation = b'{"size":[%d,%d],"counts":"%s"}' % (*one.size_hw, packed)
        place = (image.number, one.category + 1, *one.box_xywh, one.area)
        return b"%s,%s,%s" % (PLACE % place, b'"segmentation":' + segmentation, attributes(one))


def file_name(image: ExportImage, plan: ExportPlan) -> str:
    """Of an image, relative to the folder of its split; with no image files, relative to the run's own folder."""
    if plan.settings.images == "none":
        return image.relative
    return image.file.removeprefix("/".join(filter(None, ("images", image.split))) + "/")


def attributes(one: ExportObject) -> bytes:
    """What CVAT and Datumaro keep of an annotation beside its mask, and `comus import` reads; it ends the row."""
    score = b"null" if one.score is None else b"%.6g" % one.score
    flags = tuple(b"true" if flag else b"false" for flag in (one.core, one.accepted, one.by_hand))
    return ATTRIBUTES % (json_bytes(one.id), score, *flags)


def info(plan: ExportPlan) -> dict[str, Any]:
    """The head of the file: what it comes from, and its categories, so that it is read without `comus.json` too."""
    about = plan.about
    words = f"Objects of {about.get('run', '')}, round {about.get('round', 0)}, exported by COMUS Explorer"
    categories = [{"id": c.id, "index": c.index, "name": c.name} for c in plan.categories]
    comus = {**about, "categories": categories}
    return {"description": words, "version": str(about.get("version", "")), "comus": comus}


def coco_categories(plan: ExportPlan) -> list[dict[str, Any]]:
    """Ids are the stable ids + 1."""
    return [
        {"id": c.id + 1, "name": c.name, "supercategory": "", "color": list(c.colour), "comus_id": c.id}
        for c in plan.categories
    ]


SPEC = ExportFormat(
    name="coco",
    title="COCO instances",
    what="one JSON file of boxes and masks beside images/; for Detectron2, MMDetection, FiftyOne, CVAT",
    writer=CocoWriter,
    options=("masks", "tolerance"),
    defaults={"masks": "rle"},
)

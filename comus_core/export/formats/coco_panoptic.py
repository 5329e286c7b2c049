"""COCO panoptic: a PNG of segment ids an image, and `annotations/panoptic_SPLIT.json`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part, json_list
from comus_core.export.formats.coco import ONE_SPLIT, coco_categories, file_name, info
from comus_core.export.formats.index_png import colour_png, object_mask
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.records import ExportImage, ExportObject


class PanopticWriter:
    """Segment ids are 1…n in an image, as red + 256 green + 65536 blue; 0 is what belongs to no object."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan = plan

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write the PNG, and keep the rows of an image."""
        split = image.split or ONE_SPLIT
        name = file_name(image, self._plan)
        png = f"{name.rpartition('.')[0] or name}.png"
        ids = object_mask(image, objects).astype(np.uint32)
        part.write(f"annotations/panoptic_{split}/{png}", colour_png(_colours(ids)))
        size = {"width": image.width, "height": image.height}
        part.line(f"images-{split}", json_bytes({"id": image.number, "file_name": name, **size, "comus_id": image.id}))
        segments = [
            {
                "id": number,
                "category_id": one.category + 1,
                "area": one.area,
                "bbox": list(one.box_xywh),
                "iscrowd": 0,
                "comus_id": one.id,
            }
            for number, one in enumerate(objects, 1)
        ]
        row = {"image_id": image.number, "file_name": png, "segments_info": segments}
        part.line(f"annotations-{split}", json_bytes(row))

    def finish(self, export: Export) -> None:
        """Join the rows."""
        categories = [{**category, "isthing": 1} for category in coco_categories(self._plan)]
        for split in (name or ONE_SPLIT for name in self._plan.splits):
            with export.open(f"annotations/panoptic_{split}.json") as file:
                file.write(b'{"info":' + json_bytes(info(self._plan)) + b',"licenses":[],"categories":')
                file.write(json_bytes(categories) + b',"images":[\n')
                file.writelines(json_list(export, f"images-{split}"))
                file.write(b'],"annotations":[\n')
                file.writelines(json_list(export, f"annotations-{split}"))
                file.write(b"]}\n")


def _colours(ids: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=2).astype(np.uint8)


SPEC = ExportFormat(
    name="coco-panoptic",
    title="COCO panoptic",
    what="a PNG of segment ids an image and one JSON file; for Detectron2, Mask2Former, MMDetection",
    writer=PanopticWriter,
)

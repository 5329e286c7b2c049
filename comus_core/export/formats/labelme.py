"""labelme: a JSON file beside each image; read by labelme and X-AnyLabeling."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.index_png import colour_png
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.formats.polygons import cut_open, outlines
from comus_core.export.records import ExportImage, ExportObject

VERSION = "5.5.0"  # of labelme, whose layout this is


class LabelmeWriter:
    """A polygon a part of an object; the parts of one object share a group."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan, self._category_of = plan, plan.category_of()

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write the file of an image."""
        none = self._plan.settings.images == "none"
        content: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": [shape for number, one in enumerate(objects, 1) for shape in self._shapes(number, one)],
            "imagePath": str(image.path) if none else image.file.rpartition("/")[2],
            "imageData": None,
            "imageHeight": image.height,
            "imageWidth": image.width,
        }
        part.write(f"{image.stem}.json", json_bytes(content))

    def finish(self, export: Export) -> None:
        """Write `labels.txt`, as `labelme --labels` reads it."""
        names = ["__ignore__", "_background_", *(c.name for c in self._plan.categories)]
        export.write("labels.txt", "".join(f"{name}\n" for name in names).encode())

    def _shapes(self, number: int, one: ExportObject) -> Iterator[dict[str, Any]]:
        common = {
            "label": self._category_of[one.category].name,
            "group_id": number,
            "description": one.id,
            "flags": {},
        }
        if self._plan.settings.masks == "rle":
            x0, y0, x1, y1 = one.box_xyxy
            code = base64.b64encode(colour_png(255 * one.crop.astype(np.uint8))).decode()
            yield {**common, "shape_type": "mask", "points": [[x0, y0], [x1 - 1, y1 - 1]], "mask": code}
            return
        for outline in outlines(one, self._plan.settings.tolerance or 0.0, centres=True):
            points = np.round(cut_open(outline) - 0.5, 2).tolist()  # labelme's points are numbers of pixels
            yield {**common, "shape_type": "polygon", "points": points, "mask": None}


SPEC = ExportFormat(
    name="labelme",
    title="labelme",
    what="a JSON file of polygons beside each image; for labelme, X-AnyLabeling",
    writer=LabelmeWriter,
    options=("masks", "tolerance"),
    defaults={"masks": "polygons"},
)

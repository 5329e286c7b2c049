"""YOLO, segmentation and detection: a text file an image, and `data.yaml`; read by Ultralytics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.formats.polygons import in_one
from comus_core.export.records import ExportImage, ExportObject

ONE_SPLIT = "train"
QUARTER = 0.25  # pixels: centres of pixels then become their numbers whether a reader cuts (Ultralytics) or rounds


class YoloWriter:
    """A line an object, coordinates as shares of width and height; classes are 0…C−1 in the order of the ids."""

    def __init__(self, plan: ExportPlan, boxes: bool) -> None:
        self._plan, self._boxes = plan, boxes
        self._category_of = plan.category_of()

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write the labels of an image; an empty file for one without objects."""
        lines = [self._line(image, one) for one in objects]
        part.write(f"labels/{image.stem.removeprefix('images/')}.txt", "".join(f"{line}\n" for line in lines).encode())

    def finish(self, export: Export) -> None:
        """Write `data.yaml`; without splits the images of `train` also stand for `val`, which Ultralytics wants."""
        lines = ["path: .", f"train: images/{ONE_SPLIT}"]
        lines.append(f"val: images/{'val' if 'val' in self._plan.splits else ONE_SPLIT}")
        names = [f"  {c.index - 1}: {json_bytes(c.name).decode()}" for c in self._plan.categories]
        export.write("data.yaml", ("\n".join([*lines, "names:", *names]) + "\n").encode())

    def _line(self, image: ExportImage, one: ExportObject) -> str:
        size = np.array([image.width, image.height])
        if self._boxes:
            x0, y0, x1, y1 = one.box_xyxy
            values = np.array([[x0 + x1, y0 + y1], [2 * (x1 - x0), 2 * (y1 - y0)]]) / 2 / size
        else:
            values = (in_one(one, self._plan.settings.tolerance or 0.0) - QUARTER) / size
        numbers = " ".join(f"{value:.6f}" for value in np.clip(values, 0, 1).ravel())
        return f"{self._category_of[one.category].index - 1} {numbers}"


def _image_file(path: str, split: str) -> str:
    return f"images/{split or ONE_SPLIT}/{path}"


SPEC = ExportFormat(
    name="yolo",
    title="YOLO segmentation",
    what="a text file of polygons an image and data.yaml; for Ultralytics YOLO",
    writer=lambda plan: YoloWriter(plan, boxes=False),
    image_file=_image_file,
    options=("tolerance",),
)
DETECTION = ExportFormat(
    name="yolo-detect",
    title="YOLO detection",
    what="a text file of boxes an image and data.yaml; for Ultralytics YOLO, Darknet",
    writer=lambda plan: YoloWriter(plan, boxes=True),
    image_file=_image_file,
)

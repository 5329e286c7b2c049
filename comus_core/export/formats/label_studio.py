"""Label Studio: `tasks.json` with the masks as predictions, and `label_config.xml` for the project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part, json_list
from comus_core.export.formats.index_png import hex_colour
from comus_core.export.formats.json_text import json_bytes
from comus_core.export.formats.polygons import cut_open, outlines
from comus_core.export.records import ExportImage, ExportObject
from comus_core.imports.label_studio import region_id
from comus_core.types import BoolMask

RUN_BITS = (3, 4, 8, 16)  # of the lengths of runs in Label Studio's brush code
WORD_BITS = 8
LOCAL = "/data/local-files/?d="  # how Label Studio serves files of its document root


class LabelStudioWriter:
    """A task an image; what it shows are predictions, which a person accepts or changes."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan, self._category_of = plan, plan.category_of()
        self._brush = plan.settings.masks == "rle"

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Keep the task of an image."""
        file = image.relative if self._plan.settings.images == "none" else image.file
        regions = [region for one in objects for region in self._regions(image, one)]
        scores = [one.score for one in objects if one.score is not None]
        prediction = {
            "model_version": str(self._plan.about.get("run", "comus")),
            "score": round(float(np.mean(scores)), 6) if scores else 0.0,
            "result": regions,
        }
        data = {"image": LOCAL + quote(file), "comus_id": image.id, **({"split": image.split} if image.split else {})}
        part.line("tasks", json_bytes({"data": data, "predictions": [prediction] if regions else []}))

    def finish(self, export: Export) -> None:
        """Write the tasks, and the labels with their colours."""
        with export.open("tasks.json") as file:
            file.write(b"[\n")
            file.writelines(json_list(export, "tasks"))
            file.write(b"\n]\n")
        kind = "BrushLabels" if self._brush else "PolygonLabels"
        labels = [
            f"    <Label value={quoteattr(c.name)} background={quoteattr(hex_colour(c.colour))}/>"
            for c in self._plan.categories
        ]
        head = [
            "<View>",
            '  <Image name="image" value="$image" zoom="true"/>',
            f'  <{kind} name="label" toName="image">',
        ]
        export.write("label_config.xml", "\n".join([*head, *labels, f"  </{kind}>", "</View>", ""]).encode())

    def _regions(self, image: ExportImage, one: ExportObject) -> Iterator[dict[str, Any]]:
        name = self._category_of[one.category].name
        common = {
            "from_name": "label",
            "to_name": "image",
            "original_width": image.width,
            "original_height": image.height,
            "image_rotation": 0,
            "meta": {"comus_id": one.id},
            **({} if one.score is None else {"score": round(one.score, 6)}),
        }
        if self._brush:
            value: dict[str, Any] = {"format": "rle", "rle": brush_code(one.mask), "brushlabels": [name]}
            yield {"id": region_id(one.id), "type": "brushlabels", **common, "value": value}
            return
        size = np.array([image.width, image.height])
        for number, outline in enumerate(outlines(one, self._plan.settings.tolerance or 0.0)):
            points = np.round(100 * cut_open(outline) / size, 4).tolist()
            value = {"points": points, "closed": True, "polygonlabels": [name]}
            yield {"id": f"{region_id(one.id)}.{number}", "type": "polygonlabels", **common, "value": value}


def brush_code(mask: BoolMask) -> list[int]:
    """Label Studio's run lengths of a mask (H, W): of its red, green, blue and opacity bytes, row by row.

    32 bits say how many bytes there are, 5 how long a word is, 4 × 4 how long the lengths of runs are. Then each run:
    whether it is one, which of these lengths it has, its length less 1, and its value.
    """
    flat = np.asarray(mask, bool).ravel()
    edges = np.flatnonzero(np.diff(flat.astype(np.int8)))
    ends = np.append(edges + 1, len(flat))
    lengths, values = 4 * np.diff(ends, prepend=0), flat[ends - 1]
    bits = [f"{4 * len(flat):032b}{WORD_BITS - 1:05b}", *(f"{size - 1:04b}" for size in RUN_BITS)]
    for length, value in zip(lengths.tolist(), values.tolist(), strict=True):
        word = f"{255 if value else 0:08b}"
        while length > 0:
            now = min(length, 2**16)
            which = next(k for k, size in enumerate(RUN_BITS) if now <= 2**size)
            bits.append(f"1{which:02b}{now - 1:0{RUN_BITS[which]}b}{word}")
            length -= now
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


SPEC = ExportFormat(
    name="label-studio",
    title="Label Studio",
    what="tasks with masks as predictions, and the labels' configuration; for Label Studio",
    writer=LabelStudioWriter,
    options=("masks", "tolerance"),
    defaults={"masks": "rle"},
    version=2,
)

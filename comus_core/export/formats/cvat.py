"""CVAT for images 1.1: `annotations.xml` with masks or polygons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.coco import ONE_SPLIT, file_name
from comus_core.export.formats.index_png import hex_colour
from comus_core.export.formats.polygons import cut_open, outlines
from comus_core.export.records import ExportImage, ExportObject
from comus_core.types import BoolMask


class CvatWriter:
    """An element an image, an element an object."""

    def __init__(self, plan: ExportPlan) -> None:
        self._plan, self._category_of = plan, plan.category_of()

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Keep the elements of an image."""
        subset = f" subset={quoteattr(image.split)}" if image.split else ""
        name = quoteattr(file_name(image, self._plan))
        size = f'width="{image.width}" height="{image.height}"'
        part.line("images", f'  <image id="{image.number - 1}" name={name}{subset} {size}>'.encode())
        for element in chain.from_iterable(self._elements(one, group) for group, one in enumerate(objects, 1)):
            part.line("images", element.encode())
        part.line("images", b"  </image>")

    def finish(self, export: Export) -> None:
        """Write the labels, then the images."""
        labels = [
            f"        <label><name>{escape(c.name)}</name><color>{hex_colour(c.colour)}</color>"
            "<type>any</type><attributes></attributes></label>"
            for c in self._plan.categories
        ]
        head = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>", "  <meta>"]
        head += ["    <task>", f"      <name>{escape(str(self._plan.about.get('run', '')))}</name>", "      <labels>"]
        subsets = [f"<subset>{split or ONE_SPLIT}</subset>" for split in self._plan.splits]  # Datumaro wants them
        head += [
            *labels,
            "      </labels>",
            f"      <subsets>{''.join(subsets)}</subsets>",
            "    </task>",
            "  </meta>",
            "",
        ]
        with export.open("annotations.xml") as file:
            file.write("\n".join(head).encode())
            file.writelines(line + b"\n" for line in export.lines("images"))
            file.write(b"</annotations>\n")

    def _elements(self, one: ExportObject, group: int) -> Iterator[str]:
        """The shapes of an object; several of them have its number in the image as their group."""
        common = f'label={quoteattr(self._category_of[one.category].name)} source="auto" occluded="0"'
        if self._plan.settings.masks == "rle":
            left, top, width, height = one.box_xywh
            runs = ", ".join(map(str, row_runs(one.crop)))
            place = f'left="{left}" top="{top}" width="{width}" height="{height}"'
            yield f'    <mask {common} rle="{runs}" {place} z_order="0"></mask>'
            return
        parts = list(outlines(one, self._plan.settings.tolerance or 0.0))
        joined = f' group_id="{group}"' if len(parts) > 1 else ""
        for outline in parts:
            points = ";".join(f"{x:.2f},{y:.2f}" for x, y in cut_open(outline).tolist())
            yield f'    <polygon {common} points="{points}" z_order="0"{joined}></polygon>'


def row_runs(mask: BoolMask) -> list[int]:
    """Lengths of the runs of a mask (h, w), row by row, of pixels outside and inside in turn, outside first."""
    flat = np.asarray(mask, bool).ravel()
    ends = np.append(np.flatnonzero(np.diff(flat.astype(np.int8))) + 1, len(flat))
    lengths: list[int] = np.diff(ends, prepend=0).tolist()
    return [0, *lengths] if flat[0] else lengths


SPEC = ExportFormat(
    name="cvat",
    title="CVAT for images 1.1",
    what="one XML file of masks or polygons; for CVAT",
    writer=CvatWriter,
    options=("masks", "tolerance"),
    defaults={"masks": "rle"},
)

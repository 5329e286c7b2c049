"""PASCAL VOC: images, index masks of categories and objects, XML boxes, image sets, and CVAT's `labelmap.txt`."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from comus_core.datasets.class_lists import is_reserved
from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.index_png import class_mask, index_png, object_mask, palette_of
from comus_core.export.records import ExportImage, ExportObject
from comus_core.proposals.pseudo_masks import voc_palette

IMAGES = "JPEGImages"


class VocWriter:
    """Masks and boxes image by image. Index 1…C in the masks is the order of `labelmap.txt` behind the background."""

    def __init__(self, plan: ExportPlan) -> None:
        self._category_of, self._splits = plan.category_of(), plan.splits
        self._palette = palette_of(plan.categories)

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write masks and boxes of an image."""
        stem = image.stem.removeprefix(f"{IMAGES}/")
        part.write(
            f"SegmentationClass/{stem}.png", index_png(class_mask(image, objects, self._category_of), self._palette)
        )
        part.write(f"SegmentationObject/{stem}.png", index_png(object_mask(image, objects), voc_palette()))
        part.write(f"Annotations/{stem}.xml", self._xml(image, objects).encode())
        part.line(f"stems-{image.split}", stem.encode())

    def finish(self, export: Export) -> None:
        """Write the image sets and the colours; without splits all images are in `train`."""
        everything: list[bytes] = []
        for split in self._splits:
            stems = list(export.lines(f"stems-{split}"))
            everything += stems
            for kind in ("Segmentation", "Main"):
                export.write(f"ImageSets/{kind}/{split or 'train'}.txt", b"".join(stem + b"\n" for stem in stems))
        for kind in ("Segmentation", "Main"):
            export.write(f"ImageSets/{kind}/trainval.txt", b"".join(stem + b"\n" for stem in sorted(everything)))
        rows = [("background", (0, 0, 0)), *((c.name, c.colour) for c in self._category_of.values())]
        lines = ["# label:color_rgb:parts:actions", *(f"{name}:{r},{g},{b}::" for name, (r, g, b) in rows)]
        export.write("labelmap.txt", ("\n".join(lines) + "\n").encode())

    def _xml(self, image: ExportImage, objects: Sequence[ExportObject]) -> str:
        """Boxes in VOC's pixels: from 1, the ends included."""
        name = image.file.rpartition("/")[2]
        lines = [
            "<annotation>",
            f"  <folder>{IMAGES}</folder>",
            f"  <filename>{escape(name)}</filename>",
            "  <source><database>COMUS Explorer</database></source>",
            f"  <size><width>{image.width}</width><height>{image.height}</height><depth>3</depth></size>",
            "  <segmented>1</segmented>",
        ]
        for one in objects:
            x0, y0, x1, y1 = one.box_xyxy
            box = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            lines += [
                "  <object>",
                f"    <name>{escape(self._category_of[one.category].name)}</name>",
                "    <pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>",
                f"    <bndbox>{box}</bndbox>",
                "  </object>",
            ]
        return "\n".join([*lines, "</annotation>", ""])


def held_name(name: str) -> str:
    """A name without what `labelmap.txt` cannot hold: its separators, a comment, a second background."""
    plain = name.replace(":", "_").replace(",", "_")
    return f"_{plain[1:]}" if plain.startswith("#") else f"{plain} 2" if is_reserved(plain) else plain


SPEC = ExportFormat(
    name="voc",
    title="PASCAL VOC",
    what="index PNGs of categories and objects, XML boxes, image sets, labelmap.txt; for CVAT, MMSegmentation",
    writer=VocWriter,
    image_file=lambda path, split: f"{IMAGES}/{path}",
    suffixes=(".jpg",),
    flat=True,
    most_categories=254,
    name_of=held_name,
)

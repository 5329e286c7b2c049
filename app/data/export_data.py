"""What the Export page shows before an export: its counts, the images with objects, and one as others show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from app.data.run_cache import Held, view_of
from comus_core.datasets.demo import drawing
from comus_core.export.category_table import colours_of
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.export.export_plan import filled
from comus_core.export.export_preview import ExportPreview, preview_export
from comus_core.export.export_scope import stored_source
from comus_core.export.format import ExportFormat
from comus_core.export.formats.polygons import coco_polygons
from comus_core.export.object_source import ObjectSource, SourceImage
from comus_core.export.records import Colour, ExportObject
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.types import BoolMask
from comus_core.workspace import Workspace

LONGEST = 1280  # pixels of a layer's longer side; the browser scales it to its image
LINE = 3  # pixels of a box's line in a layer
BOXES = ("yolo-detect", "parquet", "csv")  # formats that hold boxes and no masks
Drawn = Literal["masks", "polygons", "boxes", "crops"]
WORDS: Mapping[Drawn, str] = {
    "masks": "Masks as exported: exact.",
    "polygons": "Polygons as exported, filled: they differ from the masks by at most the tolerance.",
    "boxes": "Boxes as exported; this format holds no masks.",
    "crops": "One crop for each box.",
}

_previews: Held[ExportPreview] = Held(24)
_sources: Held[Shown | None] = Held(6)


@dataclass(frozen=True)
class Shown:
    """What can be shown of an export.

    Attributes:
        source: where its objects come from.
        images: those that may have objects, in the order of their ids.
    """

    source: ObjectSource
    images: Sequence[SourceImage]

    def objects(self, number: int) -> list[ExportObject]:
        """The exported objects of one of `images`."""
        return self.source.objects(self.images[number].id)

    def colours(self) -> dict[int, Colour]:
        """Stable id of a category -> its colour in the files."""
        known = list(self.source.categories)
        return {k: colour for (k, _), colour in zip(known, colours_of(known), strict=True)}


def categories_of(workspace: Workspace, one: RunRound) -> dict[int, str]:
    """Stable id -> name of each category that a round can export."""
    decided = workspace.decisions_of(one.run)
    if one.training is not None:
        return dict(zip(trained_ids(one.training), trained_names(one.training, decided), strict=True))
    return {k: decided.name_of(k) for k in view_of(one.run).categories(decided).ids}


def preview(workspace: Workspace, one: RunRound, settings: ExportSettings) -> ExportPreview:
    """Counts and notes of an export; held until a decision or a setting changes them.

    Not where `shown` has nothing: a network would be applied here, and not in a job.

    Raises:
        ComusError: what the export would raise.
    """
    key = (*_key(workspace, one, settings), settings.format, settings.images, settings.empty, settings.masks)
    return _previews.get(key, lambda: preview_export(one, workspace, settings))


def shown(workspace: Workspace, one: RunRound, settings: ExportSettings) -> Shown | None:
    """The images of an export with their objects; None where a network must first be applied to them.

    Raises:
        ComusError: what the export would raise.
    """
    if settings.dataset is not None:
        return None
    return _sources.get(_key(workspace, one, settings), lambda: _shown(workspace, one, settings))


def drawn_as(kind: ExportFormat, settings: ExportSettings) -> Drawn:
    """What of an object another tool reads from this format."""
    if kind.pictures == "needed":
        return "crops"
    if kind.name in BOXES:
        return "boxes"
    outlined = filled(settings, kind).masks == "polygons" if "masks" in kind.options else "tolerance" in kind.options
    return "polygons" if outlined else "masks"


def as_exported(one: ExportObject, settings: ExportSettings) -> BoolMask:
    """(H, W) bool: the mask of an object as another tool makes it of the format's outlines or run lengths."""
    kind = EXPORT_FORMATS.named(settings.format)
    if drawn_as(kind, settings) != "polygons":
        return one.mask
    polygons = coco_polygons(one, filled(settings, kind).tolerance or 0.0)
    runs = coco_mask.merge(coco_mask.frPyObjects(polygons, *one.size_hw))
    return np.asarray(coco_mask.decode(runs), bool)


def layer(objects: Sequence[ExportObject], colours: Mapping[int, Colour], settings: ExportSettings) -> bytes:
    """A transparent PNG of the objects of one image, as the format holds them: masks filled, boxes as lines."""
    kind = EXPORT_FORMATS.named(settings.format)
    height, width = objects[0].size_hw
    ids = list(dict.fromkeys(one.category for one in objects))
    small = drawing.fitted((height, width), LONGEST)
    index = np.zeros((height, width), np.uint16)
    how = drawn_as(kind, settings)
    for one in objects if how in ("masks", "polygons") or settings.cutout else ():
        index[as_exported(one, settings)] = ids.index(one.category) + 1
    palette = np.array([colours[k] for k in ids], np.uint8)
    image = drawing.index_layer(index, palette, None, small)
    if how in ("boxes", "crops"):
        _draw_boxes(image, objects, colours, settings.margin or 0.0, small[1] / width)
    return drawing.to_png(image)


def _draw_boxes(
    image: Image.Image,
    objects: Sequence[ExportObject],
    colours: Mapping[int, Colour],
    margin: float,
    scale: float,
) -> None:
    canvas = ImageDraw.Draw(image)
    for one in objects:
        x0, y0, x1, y1 = one.box_xyxy
        more = margin * max(x1 - x0, y1 - y0)
        height, width = one.size_hw
        box = (max(x0 - more, 0), max(y0 - more, 0), min(x1 + more, width), min(y1 + more, height))
        canvas.rectangle([round(v * scale) for v in box], outline=(*colours[one.category], 255), width=LINE)


def _key(workspace: Workspace, one: RunRound, settings: ExportSettings) -> tuple[object, ...]:
    """What decides which objects are exported."""
    chosen = (settings.objects, settings.categories, settings.proposals, settings.selection, settings.dataset)
    version = workspace.decisions_of(one.run).version
    return (str(workspace.root), one.key, tuple(sorted(one.run.artifacts.items())), version, chosen)


def _shown(workspace: Workspace, one: RunRound, settings: ExportSettings) -> Shown | None:
    source, _ = stored_source(one, workspace, settings, None if one.number else view_of(one.run))
    if source is None:
        return None
    return Shown(source, [image for image in source.images if source.holds(image.id)])

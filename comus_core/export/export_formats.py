"""The export formats there are, by name: one line each, then those of other packages."""

from __future__ import annotations

from comus_core.export.format import ExportFormat
from comus_core.export.formats import (
    coco,
    coco_panoptic,
    cvat,
    huggingface,
    image_folder,
    label_studio,
    labelme,
    object_tables,
    voc,
    yolo,
)
from comus_core.plugins import Registry

_OWN = (
    coco.SPEC,
    coco_panoptic.SPEC,
    voc.SPEC,
    yolo.SPEC,
    yolo.DETECTION,
    label_studio.SPEC,
    cvat.SPEC,
    labelme.SPEC,
    image_folder.SPEC,
    huggingface.SPEC,
    object_tables.PARQUET,
    object_tables.CSV,
)

EXPORT_FORMATS: Registry[ExportFormat] = Registry("export format", "comus_explorer.exports", ExportFormat, _OWN)

"""A folder a category with a crop an object; read by torchvision's ImageFolder, Keras, fastai."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from comus_core.datasets.decoding import read_rgb
from comus_core.export.format import Export, ExportFormat, ExportPlan, Part
from comus_core.export.formats.index_png import colour_png
from comus_core.export.image_files import QUALITY
from comus_core.export.records import ExportImage, ExportObject
from comus_core.files.file_names import plain_name
from comus_core.types import RgbImage

ONE_SPLIT = "crops"


class ImageFolderWriter:
    """Crops as JPEG files, or with transparent surroundings as PNG files."""

    def __init__(self, plan: ExportPlan) -> None:
        self._settings, self._category_of = plan.settings, plan.category_of()

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write the crops of an image."""
        if not objects:
            return
        pixels = read_rgb(image.path)
        for number, one in enumerate(objects):
            suffix = "png" if self._settings.cutout else "jpg"
            folder = f"{image.split or ONE_SPLIT}/{self._category_of[one.category].name}"
            part.write(f"{folder}/{image.stem}-{number}.{suffix}", self._crop(pixels, one))

    def finish(self, export: Export) -> None:
        """Nothing: folders are all there is."""

    def _crop(self, pixels: RgbImage, one: ExportObject) -> bytes:
        x0, y0, x1, y1 = one.box_xyxy
        more = round((self._settings.margin or 0.0) * max(x1 - x0, y1 - y0))
        height, width = pixels.shape[:2]
        rows, columns = (
            slice(max(0, y0 - more), min(height, y1 + more)),
            slice(max(0, x0 - more), min(width, x1 + more)),
        )
        crop = np.ascontiguousarray(pixels[rows, columns])
        if self._settings.cutout:
            opacity = 255 * one.mask[rows, columns].astype(np.uint8)
            return colour_png(np.dstack([crop, opacity]))
        file = io.BytesIO()
        Image.fromarray(crop).save(file, "JPEG", quality=QUALITY)
        return file.getvalue()


SPEC = ExportFormat(
    name="image-folder",
    title="Image folder",
    what="a folder a category with a crop an object; for torchvision, Keras, fastai",
    writer=ImageFolderWriter,
    image_file=lambda path, split: path,
    options=("margin", "cutout"),
    pictures="needed",
    flat=True,
    name_of=plain_name,
)

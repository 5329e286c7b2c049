"""The orientation of masks whose image EXIF turns: that of the shown or of the stored image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from comus_core.config import TruthOrientation
from comus_core.datasets import exif_turns
from comus_core.datasets.decoding import stored_lay
from comus_core.datasets.exif_turns import SIDEWAYS
from comus_core.datasets.truth_report import UNCLEAR
from comus_core.errors import DatasetError, ImageError
from comus_core.types import ImageId, IndexMask

Lay = tuple[tuple[int, int], int]  # (height, width) as stored, EXIF orientation


class Orientations:
    """Aligns masks with the images of a data set; each header is read once, when it is needed."""

    def __init__(self, setting: TruthOrientation, images: Mapping[ImageId, Path]) -> None:
        """`images` are the files of the images that have a mask."""
        self._setting = setting
        self._images = images
        self._lays: dict[ImageId, Lay | None] = {}

    def file(self, image_id: ImageId) -> Path:
        """The image file."""
        return self._images[image_id]

    def is_turned(self, image_id: ImageId) -> bool:
        """Whether EXIF turns or mirrors the image."""
        lay = self._lay(image_id)
        return lay is not None and lay[1] != 1

    def is_unclear(self, image_id: ImageId, *, size_known: bool = True) -> bool:
        """Whether a mask's orientation is unknown: both have the same size, or the mask has no size."""
        if self._setting != "auto" or not self.is_turned(image_id):
            return False
        (height, width), orientation = self._lays[image_id]  # type: ignore[misc]
        return orientation not in SIDEWAYS or height == width or not size_known

    def frame(self, image_id: ImageId) -> tuple[int, int]:
        """(height, width) in which a mask without size is drawn.

        Raises:
            ImageError: the image cannot be read.
        """
        (height, width), orientation = self._lay(image_id) or stored_lay(self._images[image_id])
        sideways = orientation in SIDEWAYS and self._setting != "stored"
        return (width, height) if sideways else (height, width)

    def upright(self, mask: IndexMask, source: Path, image_id: ImageId) -> IndexMask:
        """The mask in the orientation of the decoded image.

        Raises:
            DatasetError: it has another size, or its orientation is unknown.
            ImageError: the image cannot be read.
        """
        image = self._images[image_id]
        stored, orientation = self._lay(image_id) or stored_lay(image)
        displayed = stored[::-1] if orientation in SIDEWAYS else stored
        if self.is_unclear(image_id):
            raise DatasetError(f"ground truth {source}: EXIF turns the image {image} and {UNCLEAR}")
        if mask.shape == displayed and (orientation == 1 or self._setting != "stored"):
            return mask
        if mask.shape == stored and orientation != 1 and self._setting != "upright":
            return exif_turns.upright(mask, orientation)
        turned = "" if orientation == 1 else f" (and {stored[1]} x {stored[0]} before EXIF turns it)"
        raise DatasetError(
            f"ground truth {source}: the mask is {mask.shape[1]} x {mask.shape[0]} pixels, but the upright image "
            f"{image} is {displayed[1]} x {displayed[0]}{turned}; make both equal" + self._advice(orientation)
        )

    def _advice(self, orientation: int) -> str:
        can_change = orientation != 1 and self._setting != "auto"
        return f", or set truth.orientation to auto (it is {self._setting})" if can_change else ""

    def _lay(self, image_id: ImageId) -> Lay | None:
        if image_id not in self._lays:
            try:
                self._lays[image_id] = stored_lay(self._images[image_id])
            except ImageError:  # the check of the images reports it
                self._lays[image_id] = None
        return self._lays[image_id]

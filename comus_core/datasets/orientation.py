"""How a mask lies over its photograph, which EXIF may turn: as shown, or as stored."""

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
    """Lays masks over the photographs of a data set; headers are read when they are needed, and once."""

    def __init__(self, setting: TruthOrientation, images: Mapping[ImageId, Path]) -> None:
        """`images` are the files of the photographs that have a mask."""
        self._setting = setting
        self._images = images
        self._lays: dict[ImageId, Lay | None] = {}

    def file(self, image_id: ImageId) -> Path:
        """The photograph."""
        return self._images[image_id]

    def is_turned(self, image_id: ImageId) -> bool:
        """Whether EXIF turns or mirrors the photograph."""
        lay = self._lay(image_id)
        return lay is not None and lay[1] != 1

    def is_unclear(self, image_id: ImageId, *, size_known: bool = True) -> bool:
        """Whether nothing tells how a mask lies: both ways have one size, or the mask has none of its own."""
        if self._setting != "auto" or not self.is_turned(image_id):
            return False
        (height, width), orientation = self._lays[image_id]  # type: ignore[misc]
        return orientation not in SIDEWAYS or height == width or not size_known

    def frame(self, image_id: ImageId) -> tuple[int, int]:
        """(height, width) that a mask without a size of its own is drawn in.

        Raises:
            ImageError: the photograph cannot be read.
        """
        (height, width), orientation = self._lay(image_id) or stored_lay(self._images[image_id])
        sideways = orientation in SIDEWAYS and self._setting != "stored"
        return (width, height) if sideways else (height, width)

    def upright(self, mask: IndexMask, source: Path, image_id: ImageId) -> IndexMask:
        """The mask as it lies over the decoded photograph.

        Raises:
            DatasetError: it has another size, or nothing tells how it lies.
            ImageError: the photograph cannot be read.
        """
        image = self._images[image_id]
        stored, orientation = self._lay(image_id) or stored_lay(image)
        shown = stored[::-1] if orientation in SIDEWAYS else stored
        if self.is_unclear(image_id):
            raise DatasetError(f"ground truth {source}: the image {image} is turned by EXIF and {UNCLEAR}")
        if mask.shape == shown and (orientation == 1 or self._setting != "stored"):
            return mask
        if mask.shape == stored and orientation != 1 and self._setting != "upright":
            return exif_turns.upright(mask, orientation)
        turned = "" if orientation == 1 else f" (and {stored[1]} x {stored[0]} before EXIF turns it)"
        raise DatasetError(
            f"ground truth {source}: its mask is {mask.shape[1]} x {mask.shape[0]} pixels, but the image {image} "
            f"is {shown[1]} x {shown[0]} once upright{turned}; make both equal" + self._advice(orientation)
        )

    def _advice(self, orientation: int) -> str:
        asked = orientation != 1 and self._setting != "auto"
        return f", or set truth.orientation to auto (it is {self._setting})" if asked else ""

    def _lay(self, image_id: ImageId) -> Lay | None:
        if image_id not in self._lays:
            try:
                self._lays[image_id] = stored_lay(self._images[image_id])
            except ImageError:  # a broken file is set aside elsewhere, with its reason
                self._lays[image_id] = None
        return self._lays[image_id]

"""What every format writes: categories, images and objects, whatever they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.types import BoolMask, ImageId

Colour = tuple[int, int, int]  # red, green, blue, 0…255


@dataclass(frozen=True)
class ExportCategory:
    """A category of an export.

    Attributes:
        id: its stable id: what the pages and the log of decisions call it by; names and numbers may change.
        index: 1…C in the order of the ids, as index masks number the exported categories; 0 is the background.
        name: as decided, changed where the format cannot hold it; no two categories of an export share a name.
        colour: of its own, which depends on its id alone.
    """

    id: int
    index: int
    name: str
    colour: Colour


@dataclass(frozen=True)
class ExportImage:
    """An image of an export.

    Attributes:
        id: as everywhere, see `types.ImageId`.
        number: 1…n in the order of the ids.
        file: POSIX path of the image file below the export's root, in the format's layout; valid on every system and
            different for every image. It is that of the file even if the export leaves the image files out.
        root: the folder of the images that the run read, absolute.
        relative: the POSIX path of the file below it.
        height, width: pixels, upright.
        split: `train` or `val`; "" where there are no splits.
    """

    id: ImageId
    number: int
    file: str
    root: Path
    relative: str
    height: int
    width: int
    split: str = ""

    @property
    def path(self) -> Path:
        """The file that the run read, absolute."""
        return self.root / self.relative

    @property
    def stem(self) -> str:
        """`file` without its suffix: what the files of its labels are named after."""
        return self.file.rpartition(".")[0]


@dataclass(frozen=True)
class ExportObject:
    """An object with its mask; masks of one image have no common pixels.

    Attributes:
        id: of the proposal or drawn object; of a prediction `image_id@ROUND#n`.
        image_id: of its image.
        category: the category's stable id.
        rle: COCO's packed run lengths of the mask, column by column, at the size of the image.
        size_hw: height and width of the image, pixels.
        box_xyxy: x0, y0, x1, y1 in pixels, end exclusive, tight around the mask.
        area: pixels.
        score: 0…1; of a proposal the mean soft value inside its mask, of a prediction the mean confidence. None for an
            object that a person drew.
        distance: cosine distance to the centre of its cluster, 0…2; None where there is none.
        core: whether the filter as decided keeps it.
        accepted: whether a person accepted it.
        by_hand: whether a person moved it to its category, or drew its mask.
    """

    id: str
    image_id: ImageId
    category: int
    rle: bytes
    size_hw: tuple[int, int]
    box_xyxy: tuple[int, int, int, int]
    area: int
    score: float | None = None
    distance: float | None = None
    core: bool = True
    accepted: bool = False
    by_hand: bool = False

    @property
    def mask(self) -> BoolMask:
        """(H, W) bool, decoded on every call."""
        return np.asarray(coco_mask.decode({"size": list(self.size_hw), "counts": self.rle}), bool)

    @property
    def box_xywh(self) -> tuple[int, int, int, int]:
        """x, y, width, height in pixels."""
        x0, y0, x1, y1 = self.box_xyxy
        return x0, y0, x1 - x0, y1 - y0

    @property
    def crop(self) -> BoolMask:
        """(h, w) bool, the mask inside its box."""
        x0, y0, x1, y1 = self.box_xyxy
        return self.mask[y0:y1, x0:x1]

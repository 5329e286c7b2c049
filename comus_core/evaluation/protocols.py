"""The protocols by which papers score: each says what it does to masks, to ground truth and to the matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from comus_core.config import Matching, ProtocolName
from comus_core.settings import check_choice
from comus_core.types import IndexMask


@dataclass(frozen=True)
class Protocol:
    """How a score is made.

    Attributes:
        name: what it is chosen by.
        words: what it does, in a few sentences.
        matching: how categories become classes.
        side: pixels of the square that masks and ground truth are brought to, see `centred`; None: the original size.
        network: whether it is of networks alone: their shares are averaged with those of the mirrored image, and
            refined by a fully connected CRF.
    """

    name: ProtocolName
    words: str
    matching: Matching
    side: int | None = None
    network: bool = False


PROTOCOLS: dict[ProtocolName, Protocol] = {
    "comus": Protocol(
        "comus",
        "COMUS: masks at the original resolution, brought there by the nearest pixel; pixels of void are dropped; one "
        "to one by the highest sum of IoU (Hungarian), background not fixed; mean over all classes, an absent class "
        "counts 0",
        matching="hungarian",
    ),
    "cause": Protocol(
        "cause",
        "As in CAUSE: predictions averaged with the mirrored image and refined by a CRF; masks and ground truth "
        "resized to 320 pixels on the shorter side by the nearest pixel and cropped to the middle square; one to one "
        "by the most equal pixels, not by IoU; mean over all classes",
        matching="counts",
        side=320,
        network=True,
    ),
    "majority": Protocol(
        "majority",
        "Majority vote: as COMUS, but each cluster, the background's too, becomes the class of highest IoU, and "
        "several may become one",
        matching="majority",
    ),
}


def protocol_named(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        SettingsError: there is none; lists those there are.
    """
    check_choice("protocol", name, ProtocolName)
    return PROTOCOLS[name]  # type: ignore[index]


def centred(mask: IndexMask, side: int) -> IndexMask:
    """The middle square of a mask whose shorter side was resized to `side` by the nearest pixel: (side, side).

    As torchvision's `Resize(side)` and `CenterCrop(side)` do with the masks of CAUSE and of STEGO before it.
    """
    height, width = mask.shape
    size = (side, side * height // width) if width <= height else (side * width // height, side)
    # Pillow resizes 16-bit greys as 32-bit numbers.
    image = Image.fromarray(mask if mask.dtype == np.uint8 else mask.astype(np.int32))
    resized = np.asarray(image.resize(size, Image.Resampling.NEAREST)).astype(mask.dtype)
    top, left = round((size[1] - side) / 2), round((size[0] - side) / 2)
    return resized[top : top + side, left : left + side]

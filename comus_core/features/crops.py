"""From a proposal's box to an encoder's input (method 1.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from comus_core.errors import ImageError
from comus_core.proposals.resizing import resize_bilinear
from comus_core.types import FloatArray, RgbImage

LARGE = 2**22  # pixels: 50 MB as floats


def crop_box(image: RgbImage, box_xyxy: Sequence[int] | FloatArray) -> RgbImage:
    """The pixels inside the box, without margin or padding, background included.

    Args:
        image: (H, W, 3) uint8.
        box_xyxy: x0, y0, x1, y1 in pixels, end exclusive.

    Returns:
        (y1 - y0, x1 - x0, 3) uint8, a copy.

    Raises:
        ImageError: the box is empty or outside the image.
    """
    x0, y0, x1, y1 = (int(v) for v in box_xyxy)
    height, width = image.shape[:2]
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise ImageError(f"box {(x0, y0, x1, y1)} is empty or outside the image of {width} x {height} pixels")
    return image[y0:y1, x0:x1].copy()


def enlarged_box(box_xyxy: Sequence[int] | FloatArray, share: float, size_hw: tuple[int, ...]) -> list[int]:
    """A box with `share` of its sides added, half at each end, clipped to the image of (height, width).

    Returns:
        x0, y0, x1, y1 in whole pixels, end exclusive, including every pixel of the box.
    """
    x0, y0, x1, y1 = (int(v) for v in box_xyxy)
    more_x, more_y = (x1 - x0) * share / 2, (y1 - y0) * share / 2
    first = max(0, math.floor(x0 - more_x)), max(0, math.floor(y0 - more_y))
    last = min(size_hw[1], math.ceil(x1 + more_x)), min(size_hw[0], math.ceil(y1 + more_y))
    return [*first, *last]


def preprocess(crop: RgbImage, size: int, mean: Sequence[float], std: Sequence[float]) -> FloatArray:
    """A crop resized to a square and normalised, (3, size, size) float32, channels in RGB order.

    Bilinear without antialiasing, as OpenCV does it in the reference (method 1.2). For Lite0, whose reference says
    nothing, antialiasing changed VOC's mIoU by +0.8 on true crops and by -0.5 on proposals: no reason to differ.
    """
    return resized(crop, (size, size), mean, std)


def resized(
    image: RgbImage, size_hw: tuple[int, int], mean: Sequence[float], std: Sequence[float], antialias: bool = False
) -> FloatArray:
    """An image resized and normalised, (3, h, w) float32.

    Large images are never held as floats; the result is the same up to rounding.
    """
    import torch
    from torch.nn.functional import interpolate

    if not antialias and image.shape[0] * image.shape[1] > LARGE:
        small = resize_bilinear(image, size_hw).transpose(2, 0, 1)
        return _normalise(small, mean, std)
    pixels = torch.from_numpy(np.array(image, np.float32)).permute(2, 0, 1)[None]  # (1, 3, H, W)
    interpolated = interpolate(pixels, size=size_hw, mode="bilinear", align_corners=False, antialias=antialias)
    return _normalise(interpolated[0].numpy(), mean, std)


def _normalise(pixels: FloatArray, mean: Sequence[float], std: Sequence[float]) -> FloatArray:
    unit = pixels / np.float32(255)
    shift, scale = (np.asarray(v, np.float32).reshape(3, 1, 1) for v in (mean, std))
    return np.asarray((unit - shift) / scale, np.float32)

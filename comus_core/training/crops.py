"""What the network sees of an image at one step: a crop, perhaps mirrored, perhaps recoloured; its mask cut alike."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from comus_core.training.settings import OptimisationSettings
from comus_core.training.soft_labels import cropped_planes
from comus_core.types import ByteArray, IndexMask, RgbImage

TRIES, RATIO = 10, (3 / 4, 4 / 3)


def draw_crop(
    rng: np.random.Generator, height: int, width: int, area_least: float, area_most: float
) -> tuple[int, int, int, int]:
    """A random part of an image: top, left, height, width in pixels.

    Inception's crop as torchvision draws it, but from a generator of our own, so that threads that prepare crops and
    a network that drops units do not disturb each other's numbers. Area uniform, log of the aspect uniform; after ten
    draws that do not fit, the largest middle part whose aspect is allowed.
    """
    for _ in range(TRIES):
        area = height * width * rng.uniform(area_least, area_most)
        aspect = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1)), h, w
    w, h = width, height
    if width / height < RATIO[0]:
        h = round(width / RATIO[0])
    elif width / height > RATIO[1]:
        w = round(height * RATIO[1])
    return (height - h) // 2, (width - w) // 2, h, w


def training_crop(
    image: RgbImage,
    mask: IndexMask,
    settings: OptimisationSettings,
    rng: np.random.Generator,
    planes: ByteArray | None = None,
) -> tuple[Tensor, ...]:
    """One training example.

    `mask` is (H, W) of indices, never interpolated, so that no new one appears; `planes` are (C + 1, h, w) uint8 shares
    over the whole image, for soft labels; `rng` decides all of it.

    Returns:
        (3, crop, crop) uint8 and (crop, crop) int64; with planes (C + 1, crop, crop) uint8 as well.
    """
    rows, columns = mask.shape
    top, left, height, width = draw_crop(rng, rows, columns, settings.area_least, settings.area_most)
    box, size = (slice(top, top + height), slice(left, left + width)), [settings.crop, settings.crop]
    pixels = torch.from_numpy(np.ascontiguousarray(image[box])).permute(2, 0, 1)
    pixels = transforms.resize(pixels, size, InterpolationMode.BILINEAR, antialias=True)
    labels = torch.from_numpy(np.ascontiguousarray(mask[box]).astype(np.int32))[None]
    # "exact" has the half-pixel centres of the bilinear image; the older rule is shifted against it.
    labels = transforms.resize(labels, size, InterpolationMode.NEAREST_EXACT)
    soft = []
    if planes is not None:
        soft.append(cropped_planes(planes, (rows, columns), (top, left, height, width), settings.crop))
    if settings.flip and rng.random() < 0.5:
        pixels, labels, soft = pixels.flip(-1), labels.flip(-1), [part.flip(-1) for part in soft]
    if settings.jitter:
        pixels = _recoloured(pixels, settings.jitter, rng)
    return pixels.contiguous(), labels[0].long().contiguous(), *soft


def _recoloured(pixels: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    brightness, contrast, saturation = (float(rng.uniform(1 - strength, 1 + strength)) for _ in range(3))
    pixels = transforms.adjust_brightness(pixels, brightness)
    pixels = transforms.adjust_contrast(pixels, contrast)
    recoloured: Tensor = transforms.adjust_saturation(pixels, saturation)
    return recoloured

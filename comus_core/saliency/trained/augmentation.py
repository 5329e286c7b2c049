"""Images and their maps changed alike, a batch at a time: cropped, mirrored, and in other light."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional


def drawn_views(count: int, least_area: float, random: Generator) -> Tensor:
    """Square crops of at least this share of the area, anywhere, half of them mirrored.

    Returns:
        (count, 2, 3) affine maps of `torch.nn.functional.affine_grid`.
    """
    side = torch.empty(count).uniform_(least_area, 1, generator=random).sqrt()
    x, y = ((2 * torch.rand(count, generator=random) - 1) * (1 - side) for _ in "xy")
    mirrored = torch.rand(count, generator=random) < 0.5
    views = torch.zeros(count, 2, 3)
    views[:, 0, 0], views[:, 0, 2] = torch.where(mirrored, -side, side), x
    views[:, 1, 1], views[:, 1, 2] = side, y
    return views


def seen(planes: Tensor, views: Tensor, side: int) -> Tensor:
    """(n, c, h, w) float -> (n, c, side, side), what the (n, 2, 3) views show; bilinear."""
    grid = functional.affine_grid(views.to(planes), [*planes.shape[:2], side, side], align_corners=False)
    return functional.grid_sample(planes, grid, mode="bilinear", padding_mode="border", align_corners=False)


def in_other_light(pixels: Tensor, jitter: float, random: Generator) -> Tensor:
    """(n, 3, h, w) in 0…255 with other brightness, contrast and saturation, each by up to the share `jitter`."""
    if not jitter:
        return pixels

    def factor() -> Tensor:
        return torch.empty(len(pixels), 1, 1, 1).uniform_(1 - jitter, 1 + jitter, generator=random).to(pixels)

    pixels = pixels * factor()
    grey = pixels.mean(dim=1, keepdim=True)
    pixels = grey + (pixels - grey) * factor()
    middle = pixels.mean(dim=(1, 2, 3), keepdim=True)
    return (middle + (pixels - middle) * factor()).clamp(0, 255)

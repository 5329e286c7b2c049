"""Images and their maps changed alike, a batch at a time: cropped, mirrored, and in other light."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Views:
    """Of n images: which part is seen, and whether mirrored.

    Attributes:
        theta: (n, 2, 3) affine maps of `torch.nn.functional.affine_grid`.
        mirrored: (n,) bool.
    """

    theta: Tensor
    mirrored: Tensor


def drawn_views(count: int, least_area: float, random: Generator) -> Views:
    """Square crops of at least this share of the area, anywhere, half of them mirrored."""
    side = torch.empty(count).uniform_(least_area, 1, generator=random).sqrt()
    x, y = ((2 * torch.rand(count, generator=random) - 1) * (1 - side) for _ in "xy")
    mirrored = torch.rand(count, generator=random) < 0.5
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = torch.where(mirrored, -side, side), x
    theta[:, 1, 1], theta[:, 1, 2] = side, y
    return Views(theta, mirrored)


def seen(planes: Tensor, views: Views, side: int) -> Tensor:
    """(n, c, h, w) float -> (n, c, side, side), what the views show; bilinear."""
    theta = views.theta.to(planes)
    grid = functional.affine_grid(theta, [*planes.shape[:2], side, side], align_corners=False)
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

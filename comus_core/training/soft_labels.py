"""Soft labels: a student learns all shares that its teacher gave a pixel, not the winner alone (Hinton et al. 2015).

They are kept at the size of the network's head, where they are made, in 255ths: the way to the image's size and on to
a crop's is a linear interpolation, which is done crop by crop.
"""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from comus_core.proposals.pseudo_masks import from_png
from comus_core.types import ByteArray

BYTES_MOST = 2**20  # an image's planes: 21 of them at 448 pixels and stride 16 take 16 KiB


def coarse_planes(shares: Tensor, stride: int) -> ByteArray:
    """Shares at the size of the network's head, and coarser still where many categories would take too much.

    `shares` are (C + 1, h, w) in [0, 1], `stride` pixels of a cell.

    Returns:
        (C + 1, h / stride, w / stride) uint8, the mean of each cell in 255ths.
    """
    rows, columns = (max(1, side // stride) for side in shares.shape[1:])
    while len(shares) * rows * columns > BYTES_MOST and rows * columns > 1:
        rows, columns = -(-rows // 2), -(-columns // 2)
    means = functional.interpolate(shares[None], (rows, columns), mode="area")[0]
    planes: ByteArray = (means * 255).round().to(torch.uint8).cpu().numpy()
    return planes


def planes_to_png(planes: ByteArray) -> bytes:
    """(n, h, w) uint8 as one grey PNG of n · h rows, plane below plane."""
    file = io.BytesIO()
    Image.fromarray(planes.reshape(-1, planes.shape[2])).save(file, format="PNG")
    return file.getvalue()


def planes_from_png(content: bytes, count: int) -> ByteArray:
    """The `count` planes of a PNG that `planes_to_png` made: (n, h, w) uint8.

    Raises:
        ImageError: no readable PNG.
    """
    rows = from_png(content)
    return rows.reshape(count, -1, rows.shape[1])


def cropped_planes(planes: ByteArray, size_hw: tuple[int, int], box: tuple[int, int, int, int], side: int) -> Tensor:
    """The shares of every pixel of a crop.

    Args:
        planes: (C + 1, h, w) uint8 over the whole image.
        size_hw: the image's height and width in pixels.
        box: top, left, height, width in pixels of the image.
        side: pixels of the crop, which is a square.

    Returns:
        (C + 1, side, side) uint8: bilinear between the centres of the planes' cells, taken at the centres of the crop's
        pixels.
    """
    centres = (torch.arange(side) + 0.5) / side
    y, x = (2 * (box[k] + centres * box[k + 2]) / size_hw[k] - 1 for k in (0, 1))  # from −1 to 1 over the image
    grid = torch.stack([x.expand(side, side), y[:, None].expand(side, side)], dim=-1)[None]
    shares = torch.from_numpy(planes).float()[None]
    crop = functional.grid_sample(shares, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return crop[0].round().to(torch.uint8)


def summed_loss(scores: Tensor, labels: Tensor, ignore: int, planes: Tensor | None = None) -> Tensor:
    """Cross-entropy, summed over the pixels that have a label.

    `scores` are (n, C + 1, h, w) before softmax, `labels` (n, h, w) indices or ignore; `planes` (n, C + 1, h, w) uint8
    shares are learned instead of the labels where there are any.
    """
    if planes is None:
        # Pixels as rows: the scores lie in memory like that (channels_last) and are not copied into planes and back.
        rows = scores.permute(0, 2, 3, 1).reshape(-1, scores.shape[1])
        return functional.cross_entropy(rows, labels.reshape(-1), ignore_index=ignore, reduction="sum")
    shares = planes.float()
    shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=1)  # rounding to 255ths left them a little off 1
    losses = functional.cross_entropy(scores, shares, reduction="none")
    return losses.masked_fill(labels == ignore, 0.0).sum()

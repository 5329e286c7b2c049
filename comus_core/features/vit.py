"""DINO's vision transformers as encoders, with DINO's own handling of sizes (method 1.2, 3.1)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

_NUDGE = 0.1  # DINO adds it to the number of cells before it divides, which moves the grid a little


def resize_positions(positions: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Position embeddings of a square grid interpolated to another grid as in DINO.

    DINO's `interpolate_pos_encoding`: bicubic by the scale factor (cells + 0.1) / old cells. Other code, such as timm,
    resizes to a given size with antialiasing, which differs by up to 0.11 cells at 256 pixels.

    Args:
        positions: (1, 1 + s * s, d), the class token's first.
        grid_hw: rows and columns of the new grid.

    Returns:
        (1, 1 + h * w, d).
    """
    side = math.isqrt(positions.shape[1] - 1)
    if grid_hw == (side, side):
        return positions
    square = positions[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)  # (1, d, s, s)
    factors = tuple((cells + _NUDGE) / side for cells in grid_hw)
    grid = interpolate(square, scale_factor=factors, mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def final_cls(network: Any, batch: Tensor) -> Tensor:
    """The class token after the last block and the final norm, (n, 3, H, W) -> (n, d)."""
    tokens = network.blocks(_embed(network, batch))
    cls: Tensor = network.norm(tokens)[:, 0]
    return cls


def last_keys(network: Any, batch: Tensor) -> Tensor:
    """The last block's attention keys, heads side by side, for normalised cuts (method 2.3).

    (1, 3, H, W) -> (H / patch, W / patch, d).
    """
    height, width = (side // network.patch_embed.patch_size[0] for side in batch.shape[2:])
    last = network.blocks[-1]
    triple = last.attn.qkv(last.norm1(network.blocks[:-1](_embed(network, batch))))  # (1, 1 + h w, 3 d)
    keys: Tensor = triple.chunk(3, dim=-1)[1]
    return keys[0, 1:].reshape(height, width, -1)


def _embed(network: Any, batch: Tensor) -> Tensor:
    cells = network.patch_embed.proj(batch)  # (n, d, h, w)
    positions = resize_positions(network.pos_embed, (cells.shape[2], cells.shape[3]))
    cls = network.cls_token.expand(len(batch), -1, -1)
    return torch.cat([cls, cells.flatten(2).transpose(1, 2)], dim=1) + positions

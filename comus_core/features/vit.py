"""The vision transformers of DINO and DINOv2 as encoders, with their own handling of sizes (method 1.2, 3.1)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

_NUDGE = 0.1  # DINO adds it to the number of cells before it divides, which moves the grid a little


def resize_positions(positions: Tensor, grid_hw: tuple[int, int]) -> Tensor:
    """Position embeddings of a square grid interpolated to another grid as in DINO and DINOv2.

    Their `interpolate_pos_encoding`: bicubic by the scale factor (cells + 0.1) / old cells. Other code, such as timm,
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
    keys: Tensor = _last_qkv(network, batch)[1]
    return keys[1:].reshape(*_grid(network, batch), -1)


def final_tokens(network: Any, batch: Tensor) -> Tensor:
    """The patch tokens after the last block and the final norm, (1, 3, H, W) -> (H / patch, W / patch, d)."""
    tokens: Tensor = network.norm(network.blocks(_embed(network, batch)))
    return tokens[0, 1:].reshape(*_grid(network, batch), -1)


def class_attention(network: Any, batch: Tensor) -> Tensor:
    """What the class token attends to in the last block, (1, 3, H, W) -> (heads, H / patch, W / patch).

    The softmax runs over all tokens (DINO's `get_last_selfattention`), so that the patches of a head sum to less
    than one.
    """
    attention = network.blocks[-1].attn
    queries, keys, _ = (part.reshape(len(part), attention.num_heads, -1) for part in _last_qkv(network, batch))
    scores = torch.einsum("hc,thc->ht", queries[0], keys) * attention.scale
    shares: Tensor = scores.softmax(dim=-1)[:, 1:].reshape(-1, *_grid(network, batch))
    return shares


def _last_qkv(network: Any, batch: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys and values of the last block, each (1 + h * w, d), of one image."""
    last = network.blocks[-1]
    triple: Tensor = last.attn.qkv(last.norm1(network.blocks[:-1](_embed(network, batch))))  # (1, 1 + h w, 3 d)
    return triple[0].chunk(3, dim=-1)


def _grid(network: Any, batch: Tensor) -> tuple[int, int]:
    height, width = (side // network.patch_embed.patch_size[0] for side in batch.shape[2:])
    return height, width


def _embed(network: Any, batch: Tensor) -> Tensor:
    cells = network.patch_embed.proj(batch)  # (n, d, h, w)
    positions = resize_positions(network.pos_embed, (cells.shape[2], cells.shape[3]))
    cls = network.cls_token.expand(len(batch), -1, -1)
    return torch.cat([cls, cells.flatten(2).transpose(1, 2)], dim=1) + positions

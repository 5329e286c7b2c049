"""The network of our own detector: a residual encoder, what the whole image holds, and a decoder of sums.

It is small on purpose: 2.2 million weights, 4.4 MB in half precision, so that it comes with the program.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from comus_core.saliency.preprocessing import IMAGENET_MEAN, IMAGENET_STD

WIDTHS = (32, 64, 128, 208)  # channels at a quarter, an eighth, a 16th and a 32nd of the input
BLOCKS = (1, 2, 2, 2)
DECODER = 48


class SaliencyNetwork(nn.Module):
    """Images in, one logit a pixel out."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(3, 24, stride=2), _convolution(24, WIDTHS[0], stride=2))
        self.stages = nn.ModuleList(
            _stage(before, width, count, stride=2 if number else 1)
            for number, (before, width, count) in enumerate(zip((WIDTHS[0], *WIDTHS), WIDTHS, BLOCKS, strict=False))
        )
        self.context = nn.Sequential(nn.Linear(WIDTHS[-1], DECODER), nn.ReLU(inplace=True), nn.Linear(DECODER, DECODER))
        self.sides = nn.ModuleList(nn.Conv2d(width, DECODER, 1) for width in WIDTHS)
        self.joins = nn.ModuleList(_convolution(DECODER, DECODER) for _ in WIDTHS[:-1])
        self.head = nn.Conv2d(DECODER, 1, 3, padding=1)
        mean, std = (torch.from_numpy(255 * values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) RGB in 0…255, sides multiples of 32 -> (n, 1, h, w) logits."""
        features, found = self.stem((pixels - self.mean) / self.std), []
        for stage in self.stages:
            features = stage(features)
            found.append(features)
        whole = self.context(features.mean(dim=(2, 3)))[:, :, None, None]
        joined = self.sides[-1](features) + whole
        for side, join, level in zip(
            reversed(self.sides[:-1]), reversed(self.joins), reversed(found[:-1]), strict=True
        ):
            larger = functional.interpolate(joined, level.shape[2:], mode="bilinear", align_corners=False)
            joined = join(larger + side(level))
        return functional.interpolate(self.head(joined), pixels.shape[2:], mode="bilinear", align_corners=False)


class _Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(width_in, width, stride)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        plain = stride == 1 and width_in == width
        self.shortcut = (
            nn.Identity()
            if plain
            else nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True) if stride > 1 else nn.Identity(),
                nn.Conv2d(width_in, width, 1, bias=False),
                nn.BatchNorm2d(width),
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.second(self.first(features)) + self.shortcut(features))


def folded(network: SaliencyNetwork) -> SaliencyNetwork:
    """The network in eval mode with each normalisation in the convolution before it: the same up to rounding, faster.

    It is changed itself.
    """
    for part in network.modules():
        if isinstance(part, nn.Sequential):
            for place, (one, two) in enumerate(pairwise(list(part))):
                if isinstance(one, nn.Conv2d) and isinstance(two, nn.BatchNorm2d):
                    part[place], part[place + 1] = fuse_conv_bn_eval(one, two), nn.Identity()
    return network


def _stage(width_in: int, width: int, count: int, stride: int) -> nn.Sequential:
    """So many blocks, of which the first changes width and size."""
    return nn.Sequential(_Block(width_in, width, stride), *(_Block(width, width, 1) for _ in range(count - 1)))


def _convolution(width_in: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )

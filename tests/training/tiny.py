"""A network of a few thousand weights and drawn images, for tests that train."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from comus_core.training import make_training
from comus_core.training.examples import Examples

SETTINGS = make_training(
    epochs=3,
    checkpoint_every=2,
    optimisation={"crop": 32, "batch": 4, "learning_rate": 3e-3, "schedule": "poly"},
    prediction={"size": 64},
)
IGNORE = 255


class Tiny(nn.Module):
    """Convolution, batch norm, dropout, convolution: all that a step's randomness and state can hide in."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Conv2d(8, outputs, 1),
        )

    def forward(self, pixels):
        return functional.interpolate(self.layers(pixels.float() / 255), pixels.shape[-2:], mode="bilinear")


def tiny_network(seed: int = 0) -> Tiny:
    torch.manual_seed(seed)
    return Tiny()


def drawn_examples(count: int = 12) -> Examples:
    """Images whose left part is red, right part blue, of a width that varies; a strip is ignored."""

    def read(image_id):
        rng = np.random.default_rng(int(image_id))
        image = rng.integers(0, 60, (40, 48, 3)).astype(np.uint8)
        mask = np.zeros((40, 48), np.uint8)
        split = int(rng.integers(12, 36))
        image[8:32, :split, 0], mask[8:32, :split] = 220, 1
        image[8:32, split:, 2], mask[8:32, split:] = 220, 2
        mask[:2] = IGNORE
        return image, mask

    return Examples([str(k) for k in range(count)], read)


def soft_examples(count: int = 12) -> Examples:
    """The same with a teacher's doubtful shares of the three categories."""
    hard = drawn_examples(count)

    def read(image_id):
        image, mask = hard.read(image_id)
        doubt = np.random.default_rng(int(image_id) + 1000).uniform(0, 0.5, (3, 5, 6))
        shares = (mask[4::8, 4::8] == np.arange(3)[:, None, None]) + doubt
        return image, mask, np.round(255 * shares / shares.sum(0)).astype(np.uint8)

    return Examples(hard.image_ids, read)

"""An encoder from a network: from crops and images to vectors and dense maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from comus_core.errors import SettingsError
from comus_core.features.crops import preprocess, resized
from comus_core.features.spec import DenseKind, Encoder, EncoderSpec
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights.loading import load_network
from comus_core.weights.store import file_sha256, locate

View = Callable[[Any, Tensor], Tensor]


def squashed(spec: EncoderSpec, crop: RgbImage) -> FloatArray:
    """A crop squashed to the encoder's square and normalised, (3, s, s) float32."""
    return preprocess(crop, spec.crop_size, spec.mean, spec.std)


@dataclass(frozen=True)
class Views:
    """What is read from a network: functions of it and of a batch of normalised pixels.

    Attributes:
        vectors: (n, 3, s, s) -> (n, dim).
        keys, tokens: (1, 3, H, W) -> (h, w, d); one and the same for a convolutional network.
        attention: (1, 3, H, W) -> (heads, h, w); None where no class token attends to anything.
        pixels: an encoder and a crop -> what its network takes, (3, s, s) float32.
    """

    vectors: View
    keys: View
    tokens: View
    attention: View | None = None
    pixels: Callable[[EncoderSpec, RgbImage], FloatArray] = squashed


@dataclass(frozen=True)
class _NetworkEncoder:
    """An encoder from one network and what is read from it."""

    spec: EncoderSpec
    network: nn.Module
    device: str
    weights_sha256: str
    views: Views

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def dim(self) -> int:
        return self.spec.dim

    @property
    def crop_size(self) -> int:
        return self.spec.crop_size

    @property
    def batch_size(self) -> int:
        return self.spec.batch_size

    @torch.inference_mode()
    def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        vectors = np.empty((len(crops), self.dim), np.float32)
        for start in range(0, len(crops), self.batch_size):
            chosen = crops[start : start + self.batch_size]
            batch = np.stack([self.views.pixels(self.spec, crop) for crop in chosen])
            encoded = self.views.vectors(self.network, torch.from_numpy(batch).to(self.device))
            vectors[start : start + len(chosen)] = encoded.cpu().numpy()
        return vectors

    def dense(self, images: Sequence[RgbImage], longer_side: int, kind: DenseKind = "keys") -> list[FloatArray]:
        view = self.views.keys if kind == "keys" else self.views.tokens
        return [self._seen(view, image, longer_side) for image in images]

    def attention(self, images: Sequence[RgbImage], longer_side: int) -> list[FloatArray]:
        if self.views.attention is None:
            raise without_attention(self.name)
        return [self._seen(self.views.attention, image, longer_side) for image in images]

    @torch.inference_mode()
    def _seen(self, view: View, image: RgbImage, longer_side: int) -> FloatArray:
        scale = longer_side / max(image.shape[:2]) / self.spec.patch
        height, width = (max(1, round(side * scale)) * self.spec.patch for side in image.shape[:2])
        # Images shrink a lot here: without antialiasing the map would depend on single pixels.
        pixels = resized(image, (height, width), self.spec.mean, self.spec.std, antialias=True)
        cells = view(self.network, torch.from_numpy(pixels)[None].to(self.device))
        return np.ascontiguousarray(cells.cpu().numpy(), np.float32)


def without_attention(name: str) -> SettingsError:
    """What is said of an encoder that has no class token."""
    return SettingsError(
        f"encoder '{name}' has no class token, and so no attention: choose a vision transformer, such as dino-vits16"
    )


def load_network_encoder(spec: EncoderSpec, device: str, views: Views) -> Encoder:
    """An encoder from the registered network of `spec.weights`.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    assert spec.weights is not None, f"encoder '{spec.name}' has no weights"
    network = load_network(spec.weights).to(device)
    return _NetworkEncoder(spec, network, device, file_sha256(locate(spec.weights)), views)

"""An encoder from a network: from crops and images to vectors and dense maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from comus_core.config import Precision
from comus_core.errors import SettingsError
from comus_core.features.crops import preprocess, resized
from comus_core.features.spec import DenseKind, Encoder, EncoderSpec
from comus_core.settings import require
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights.loading import load_network
from comus_core.weights.store import file_sha256, locate

FAITHFUL = 0.999  # least cosine to the vectors of float32 that a faster way must keep

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
class NetworkEncoder:
    """An encoder from one network and what is read from it; see `comus_core.features.spec.Encoder`."""

    spec: EncoderSpec
    network: nn.Module
    device: str
    weights_sha256: str
    views: Views
    precision: Precision = "float32"

    @property
    def name(self) -> str:
        """See `Encoder`."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """See `Encoder`."""
        return self.spec.dim

    @property
    def crop_size(self) -> int:
        """See `Encoder`."""
        return self.spec.crop_size

    @property
    def batch_size(self) -> int:
        """See `Encoder`."""
        return self.spec.batch_size

    def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """See `Encoder`."""
        vectors = np.empty((len(crops), self.dim), np.float32)
        for start in range(0, len(crops), self.batch_size):
            chosen = crops[start : start + self.batch_size]
            vectors[start : start + len(chosen)] = self.encode_pixels(self.pixels(chosen))
        return vectors

    def pixels(self, crops: Sequence[RgbImage]) -> FloatArray:
        """What the network takes of n crops, (n, 3, s, s) float32; in a thread while it is at the crops before."""
        return np.stack([self.views.pixels(self.spec, crop) for crop in crops])

    def encode_pixels(self, pixels: FloatArray) -> Vectors:
        """The vectors of a batch of `pixels`, (n, dim)."""
        return self._run(self.views.vectors, pixels)

    @torch.inference_mode()
    def _run(self, view: View, pixels: FloatArray) -> FloatArray:
        """A view of pixels, as float32 whatever it is computed in."""
        batch = torch.from_numpy(pixels).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.precision == "bfloat16"):
            return np.ascontiguousarray(view(self.network, batch).float().cpu().numpy())

    def dense(self, images: Sequence[RgbImage], longer_side: int, kind: DenseKind = "keys") -> list[FloatArray]:
        """See `Encoder`."""
        view = self.views.keys if kind == "keys" else self.views.tokens
        return [self._seen(view, image, longer_side) for image in images]

    def attention(self, images: Sequence[RgbImage], longer_side: int) -> list[FloatArray]:
        """See `Encoder`."""
        if self.views.attention is None:
            raise without_attention(self.name)
        return [self._seen(self.views.attention, image, longer_side) for image in images]

    def _seen(self, view: View, image: RgbImage, longer_side: int) -> FloatArray:
        scale = longer_side / max(image.shape[:2]) / self.spec.patch
        height, width = (max(1, round(side * scale)) * self.spec.patch for side in image.shape[:2])
        # Images shrink a lot here: without antialiasing the map would depend on single pixels.
        pixels = resized(image, (height, width), self.spec.mean, self.spec.std, antialias=True)
        return self._run(view, pixels[None])


def without_attention(name: str) -> SettingsError:
    """What is said of an encoder that has no class token."""
    return SettingsError(
        f"encoder '{name}' has no class token, and so no attention: choose a vision transformer, such as dino-vits16"
    )


def in_bfloat16(encoder: Encoder) -> Encoder:
    """The same encoder computing in bfloat16, where its vectors stay what they are.

    Raises:
        SettingsError: it is no network of this program's kind, or drawn crops have other vectors: the cosine is told.
    """
    require(isinstance(encoder, NetworkEncoder), f"encoder '{encoder.name}' computes in float32 alone")
    assert isinstance(encoder, NetworkEncoder)
    faster = replace(encoder, precision="bfloat16")
    crops = _drawn_crops(encoder.crop_size)
    cosine = least_cosine(encoder.encode(crops), faster.encode(crops))
    require(
        cosine >= FAITHFUL,
        f"features.precision bfloat16: vectors of encoder '{encoder.name}' have cosine {cosine:.4f} to those of "
        f"float32, less than {FAITHFUL}: use float32",
    )
    return faster


def least_cosine(one: Vectors, other: Vectors) -> float:
    """The least cosine of two vectors in the same row."""
    a, b = (v.astype(np.float64) for v in (one, other))
    return float(((a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))).min())


def _drawn_crops(side: int) -> list[RgbImage]:
    """Crops to compare two precisions on: blocks of colour from coarse to fine, always the same."""
    random = np.random.default_rng(0)
    cells = [random.integers(0, 256, (n, n, 3), np.uint8) for n in (2, 3, 5, 8, 13, 21, 34, 55)]
    return [np.kron(c, np.ones((side // len(c), side // len(c), 1), np.uint8)) for c in cells]


def load_network_encoder(spec: EncoderSpec, device: str, views: Views) -> Encoder:
    """An encoder from the registered network of `spec.weights`.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    assert spec.weights is not None, f"encoder '{spec.name}' has no weights"
    # Convolutions are faster so, on processors and GPUs; it is fixed, not probed, since the order in memory decides the
    # order of sums, and all workers of a stage must have the same.
    network = load_network(spec.weights).to(memory_format=torch.channels_last).to(device)
    return NetworkEncoder(spec, network, device, file_sha256(locate(spec.weights)), views)

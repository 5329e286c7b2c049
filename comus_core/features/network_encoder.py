"""An encoder from a network: from crops and images to vectors and dense maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from comus_core.features.crops import preprocess, resized
from comus_core.features.spec import Encoder, EncoderSpec
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights import file_sha256, load_network, locate


@dataclass(frozen=True)
class _NetworkEncoder:
    """An encoder from two functions of one network: crops to vectors, an image to a dense map."""

    spec: EncoderSpec
    network: nn.Module
    device: str
    weights_sha256: str
    vectors_of: Callable[[nn.Module, Tensor], Tensor]  # (n, 3, s, s) -> (n, dim)
    map_of: Callable[[nn.Module, Tensor], Tensor]  # (1, 3, H, W) -> (h, w, d)

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
            batch = np.stack([preprocess(c, self.crop_size, self.spec.mean, self.spec.std) for c in chosen])
            encoded = self.vectors_of(self.network, torch.from_numpy(batch).to(self.device))
            vectors[start : start + len(chosen)] = encoded.cpu().numpy()
        return vectors

    @torch.inference_mode()
    def dense(self, images: Sequence[RgbImage], longer_side: int) -> list[FloatArray]:
        return [self._map(image, longer_side) for image in images]

    def _map(self, image: RgbImage, longer_side: int) -> FloatArray:
        scale = longer_side / max(image.shape[:2]) / self.spec.patch
        height, width = (max(1, round(side * scale)) * self.spec.patch for side in image.shape[:2])
        # Images shrink a lot here: without antialiasing the map would depend on single pixels.
        pixels = resized(image, (height, width), self.spec.mean, self.spec.std, antialias=True)
        cells = self.map_of(self.network, torch.from_numpy(pixels)[None].to(self.device))
        return np.ascontiguousarray(cells.cpu().numpy(), np.float32)


def load_network_encoder(
    spec: EncoderSpec,
    device: str,
    vectors_of: Callable[[nn.Module, Tensor], Tensor],
    map_of: Callable[[nn.Module, Tensor], Tensor],
) -> Encoder:
    """An encoder from the registered network of `spec.weights`.

    Args:
        spec: its facts.
        device: where it runs.
        vectors_of: the network and n crops, (n, 3, s, s) -> (n, dim).
        map_of: the network and an image, (1, 3, H, W) -> (h, w, d).

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    assert spec.weights is not None, f"encoder '{spec.name}' has no weights"
    network = load_network(spec.weights).to(device)
    return _NetworkEncoder(spec, network, device, file_sha256(locate(spec.weights)), vectors_of, map_of)

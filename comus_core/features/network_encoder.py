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
from comus_core.machine.alone import each_alone, torch_threads
from comus_core.machine.batch_size import TOGETHER, batch_on
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights.loading import load_network
from comus_core.weights.store import file_sha256, locate

FILLED = 0.75  # of a batch from which it is filled up for the compiled view; the rest would cost more than it saves

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
    """An encoder from one network and what is read from it; see `comus_core.features.spec.Encoder`.

    Attributes:
        precision: what its vectors are computed in; see `comus_core.features.precision`.
        compiled: `views.vectors` as torch compiled it, for batches that are full or nearly so; None where it did not.
        batch: crops encoded at once; 0 is the spec's number.
    """

    spec: EncoderSpec
    network: nn.Module
    device: str
    weights_sha256: str
    views: Views
    precision: Precision = "float32"
    compiled: View | None = None
    batch: int = 0

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
        return self.batch or self.spec.batch_size

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
        """The vectors of a batch of `pixels`, (n, dim).

        On the CPU each thread is at a group of its own, always of the same crops: so 1 and 64 threads give the same
        bytes. What is compiled is for full batches, and all threads share it.
        """
        view, missing = self.views.vectors, self.batch_size - len(pixels)
        if self.compiled is not None and 0 <= missing <= (1 - FILLED) * self.batch_size:
            full = np.concatenate([pixels, np.zeros((missing, *pixels.shape[1:]), np.float32)]) if missing else pixels
            return self._run(self.compiled, full)[: len(pixels)]
        if self.device != "cpu":
            return self._run(view, pixels)
        groups = [pixels[start : start + TOGETHER] for start in range(0, len(pixels), TOGETHER)]
        return np.concatenate(each_alone(lambda group: self._run(view, group), groups))

    @torch.inference_mode()
    def _run(self, view: View, pixels: FloatArray) -> FloatArray:
        """A view of pixels, as float32 whatever it is computed in."""
        batch = torch.from_numpy(pixels).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.split(":")[0], torch.bfloat16, enabled=self.precision.startswith("bfloat16")):
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


def load_network_encoder(spec: EncoderSpec, device: str, views: Views) -> Encoder:
    """An encoder from the registered network of `spec.weights`.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    assert spec.weights is not None, f"encoder '{spec.name}' has no weights"
    # Convolutions are faster so, on processors and GPUs; it is fixed, not probed, since the order in memory decides the
    # order of sums, and all workers of a stage must have the same.
    network = load_network(spec.weights).to(memory_format=torch.channels_last).to(device)
    encoder = NetworkEncoder(spec, network, device, file_sha256(locate(spec.weights)), views)
    batch = batch_on(device, spec.batch_size, lambda: bytes_of_a_crop(encoder), torch_threads())
    return replace(encoder, batch=batch)


def bytes_of_a_crop(encoder: NetworkEncoder) -> int:
    """What a crop takes at most while the network is at it, measured on one: three times the largest input and output.

    These are a layer's input and output, and what is kept beside them for a shortcut.
    """
    largest = 0

    def look(_: nn.Module, given: tuple[object, ...], result: object) -> None:
        nonlocal largest
        tensors = [value for value in (*given, result) if isinstance(value, Tensor)]
        largest = max(largest, sum(tensor.numel() * tensor.element_size() for tensor in tensors))

    hooks = [part.register_forward_hook(look) for part in encoder.network.modules()]
    try:
        encoder.encode([np.zeros((encoder.crop_size, encoder.crop_size, 3), np.uint8)])
    finally:
        for hook in hooks:
            hook.remove()
    return 3 * largest

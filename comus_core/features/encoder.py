"""What an encoder is, and the table of those there are (paper section 3.2; protocol 1.2 and 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from comus_core.errors import SettingsError
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights import file_sha256, locate

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
HALF: Triple = (0.5, 0.5, 0.5)

FILE_PREFIX = "file:"  # the user's own vectors instead of an encoder


@dataclass(frozen=True)
class EncoderSpec:
    """One encoder's fixed facts.

    Attributes:
        name: as in `FeatureSettings.encoder`.
        weights: its name in `comus_core.weights.REGISTRY`.
        dim: length of the vector of a crop.
        crop_size: pixels; a crop is squashed to a square of this side.
        mean, std: of RGB in [0, 1], for the encoder's own normalisation.
        patch: pixels of an image under one cell of the dense map.
        dense_dim: channels of the dense map.
        batch_size: crops encoded at once.
    """

    name: str
    weights: str
    dim: int
    crop_size: int
    mean: Triple
    std: Triple
    patch: int
    dense_dim: int
    batch_size: int


class Encoder(Protocol):
    """A loaded encoder; the same crops in the same batch give the same bytes."""

    @property
    def name(self) -> str:
        """As in `ENCODERS`."""
        ...

    @property
    def dim(self) -> int:
        """Length of a crop's vector."""
        ...

    @property
    def crop_size(self) -> int:
        """Side of the square a crop is squashed to, pixels."""
        ...

    @property
    def batch_size(self) -> int:
        """Crops encoded at once; `encode` takes any number."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Of the file its weights came from."""
        ...

    def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Raw vectors of n crops of any sizes, (n, dim) float32."""
        ...

    def dense(self, images: Sequence[RgbImage], longer_side: int) -> list[FloatArray]:
        """One (h, w, d) float32 map an image, its aspect ratio kept.

        The longer side is resized to `longer_side` pixels; each side is rounded to whole cells of `patch` pixels.
        """
        ...


def _dino(name: str, dim: int, patch: int, batch_size: int) -> EncoderSpec:
    return EncoderSpec(name, name, dim, 256, IMAGENET_MEAN, IMAGENET_STD, patch, dim, batch_size)


_SPECS = (
    _dino("dino-vits8", 384, 8, 8),
    _dino("dino-vits16", 384, 16, 16),
    _dino("dino-vitb8", 768, 8, 8),
    _dino("dino-vitb16", 768, 16, 16),
    EncoderSpec("efficientnet-lite0", "efficientnet-lite0", 1280, 224, HALF, HALF, 16, 112, 16),
)

ENCODERS: dict[str, EncoderSpec] = {spec.name: spec for spec in _SPECS}


def encoder_spec(name: str) -> EncoderSpec:
    """The encoder's facts, or `SettingsError` listing the names there are."""
    if name not in ENCODERS:
        raise SettingsError(f"encoder '{name}': choose one of {', '.join(ENCODERS)}, or {FILE_PREFIX}PATH")
    return ENCODERS[name]


def encoder_fingerprint(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What decides the vectors of `name`, without loading it: settings, and the sha256 of its weights by name.

    Args:
        name: a key of `ENCODERS`, or `file:PATH`; a file counts by content, wherever it lies.

    Raises:
        SettingsError: unknown encoder, or no such file.
        WeightsError: the weights are not on this machine.
    """
    if name.startswith(FILE_PREFIX):
        path = Path(name.removeprefix(FILE_PREFIX))
        if not path.is_file():
            raise SettingsError(f"features file {path}: there is no such file")
        return {"encoder": "file", "sha256": file_sha256(path)}, {}
    spec = encoder_spec(name)
    settings = {"encoder": name, "crop_size": spec.crop_size, "mean": list(spec.mean), "std": list(spec.std)}
    return settings, {spec.weights: file_sha256(locate(spec.weights))}

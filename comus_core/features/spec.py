"""What an encoder is, loaded or not (paper section 3.2). Readable without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from comus_core.plugins import PathKind, written
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights.registry import Supervision, WeightFile

Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


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


@dataclass(frozen=True)
class EncoderSpec:
    """One encoder's fixed facts, and how to load it: all that the program has to know of it.

    Attributes:
        name: as in `FeatureSettings.encoder`.
        what: one line for people.
        load: this spec and a device ("cpu", "cuda", "cuda:N", "mps") -> the encoder, ready to run.
        dim: length of the vector of a crop.
        crop_size: pixels; a crop is squashed to a square of this side.
        mean, std: of RGB in [0, 1], for the encoder's own normalisation.
        patch: pixels of an image under one cell of the dense map.
        dense_dim: channels of the dense map.
        batch_size: crops encoded at once.
        weights: name in `comus_core.weights.REGISTRY`; None where it needs none.
        supervision: what it owes to annotation, where no weights say so; None is unknown, the strongest.
        rank: among those that `auto` chooses from, the lowest that is on this machine; None is never chosen.
        gflop: floating-point operations a crop, in billions, for the estimate of a run.
        version: an encoder that has changed says so here: its vectors are then computed anew.
        path_kind: what lies at the path of the user's own that follows its name, as in "file:PATH"; None takes none.
        weight_file: the file behind `weights`, where this program's own registry has none.
    """

    name: str
    what: str
    load: Callable[[EncoderSpec, str], Encoder]
    dim: int
    crop_size: int = 224
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    patch: int = 16
    dense_dim: int = 0
    batch_size: int = 16
    weights: str | None = None
    supervision: Supervision | None = None
    rank: int | None = None
    gflop: float = 60.0
    version: str = ""
    path_kind: PathKind | None = None
    weight_file: WeightFile | None = None

    def __post_init__(self) -> None:
        if self.weight_file is not None and self.weights is None:
            object.__setattr__(self, "weights", self.weight_file.name)

    @property
    def written(self) -> str:
        """How a setting names it."""
        return written(self.name, self.path_kind)

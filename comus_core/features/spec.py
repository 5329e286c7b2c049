"""What an encoder is, loaded or not (paper section 3.2). Readable without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

from comus_core.plugins import PathKind, written
from comus_core.types import FloatArray, RgbImage, Vectors
from comus_core.weights.registry import Supervision, WeightFile

Triple = tuple[float, float, float]
DenseKind = Literal["keys", "tokens"]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


class Read(TypedDict):
    """The part of a spec that says where in its network a vector is read."""

    layer: str
    pooling: str
    positions: str


class Encoder(Protocol):
    """A loaded encoder; the same crops in the same batch give the same bytes."""

    @property
    def name(self) -> str:
        """As in `ENCODERS`."""

    @property
    def dim(self) -> int:
        """Length of a crop's vector."""

    @property
    def crop_size(self) -> int:
        """Side of the square a crop is squashed to, pixels."""

    @property
    def batch_size(self) -> int:
        """Crops encoded at once; `encode` takes any number."""

    @property
    def weights_sha256(self) -> str:
        """Of the file its weights came from."""

    def encode(self, crops: Sequence[RgbImage]) -> Vectors:
        """Raw vectors of n crops of any sizes, (n, dim) float32."""

    def dense(self, images: Sequence[RgbImage], longer_side: int, kind: DenseKind = "keys") -> list[FloatArray]:
        """One (h, w, d) float32 map an image, its aspect ratio kept.

        The longer side is resized to `longer_side` pixels; each side is rounded to whole cells of `patch` pixels.
        Of a transformer, `keys` are those of the last block's attention, heads side by side, with their bias and not
        scaled; `tokens` are the patches' after the final norm. Of a convolutional network both are its last map.
        """

    def attention(self, images: Sequence[RgbImage], longer_side: int) -> list[FloatArray]:
        """One (heads, h, w) float32 map an image: how much the class token attends to each cell in the last block.

        The softmax runs over all tokens, the class's own included, so that a head's cells sum to less than one. Sizes
        are those of `dense`.

        Raises:
            SettingsError: a network without a class token; names encoders that have one.
        """


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
        has_attention: whether it can say what its class token attends to.
        heads: of the last block's attention, side by side in its keys; 0 has none.
        cut_tau: cosine above which a normalised cut joins cells, where one was measured; None is the method's own.
        batch_size: crops encoded at once.
        weights: name in `comus_core.weights.registry.REGISTRY`; None where it needs none.
        supervision: what it owes to annotation, where no weights say so; None is unknown, the strongest.
        rank: among those that `auto` chooses from, the lowest that is on this machine; None is never chosen.
        dense: whether it gives a map of an image at all (`Encoder.dense`).
        keys_for_cuts: whether the cells of one object have keys alike, so that a normalised cut can part them from
            the rest; DINOv2's do not.
        layer, pooling, positions, resizing: where in its network a vector is read, what is taken of it, how position
            embeddings are interpolated and how a crop gets to its size, in words; recorded with a run where they say
            anything.
        gflop: floating-point operations a crop, in billions, for the estimate of a run.
        version: an encoder that has changed says so here: its vectors are then computed anew.
        path_kind: what lies at the path of the user's own that follows its name, as in "file:PATH"; "name" where the
            name of a model follows, as in "timm:NAME"; None takes neither.
        asks: what a form calls that path or name, and what to write there.
        of_model: the spec of the model of that name, where one follows; raises `SettingsError` where there is none.
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
    has_attention: bool = False
    heads: int = 0
    cut_tau: float | None = None
    batch_size: int = 16
    weights: str | None = None
    supervision: Supervision | None = None
    rank: int | None = None
    gflop: float = 60.0
    dense: bool = True
    keys_for_cuts: bool = True
    layer: str = ""
    pooling: str = ""
    positions: str = ""
    resizing: str = ""
    version: str = ""
    path_kind: PathKind | None = None
    asks: tuple[str, str] = ("Path on the server", "")
    of_model: Callable[[str], EncoderSpec] | None = None
    weight_file: WeightFile | None = None

    def __post_init__(self) -> None:
        if self.weight_file is not None and self.weights is None:
            object.__setattr__(self, "weights", self.weight_file.name)

    @property
    def written(self) -> str:
        """How a setting names it."""
        return written(self.name, self.path_kind)

"""What every detector over dense features is: an encoder, and arithmetic that turns its map into objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.features.encoders import encoder_fingerprint, encoder_spec, load_encoder
from comus_core.features.spec import DenseKind, Encoder, EncoderSpec
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId, ItemCost, Learner, united
from comus_core.settings import require, to_dict
from comus_core.types import FloatArray, ImageId, RgbImage, SoftMap, SoftMaps

CROP_SIDE = 256  # pixels of the crop whose operations an encoder states
CUT_SECONDS = 0.1  # of the arithmetic itself, on a CPU
ALWAYS = "always finds something"


@dataclass(frozen=True)
class DenseFeatures:
    """What an encoder says of one image.

    Attributes:
        cells: (h, w, d) float32.
        attention: (heads, h, w), not negative; None where the method asks for none.
        by_head: whether d are the keys of the heads, side by side.
    """

    cells: FloatArray
    attention: FloatArray | None
    by_head: bool


Method = Callable[[DenseFeatures, SaliencySettings, EncoderSpec], SoftMap | SoftMaps]  # (h, w), or (n, h, w) objects
Chosen = Callable[[SaliencySettings, EncoderSpec], dict[str, Any]]  # a detector's settings, none left open


@dataclass(frozen=True)
class DenseDetector:
    """A method over one encoder; images are encoded one by one, so that no image depends on its batch."""

    name: str
    weights_sha256: dict[str, str]
    encoder: Encoder
    spec: EncoderSpec
    settings: SaliencySettings
    method: Method
    attends: bool
    batch_size: int = 4

    @property
    def at_least(self) -> int:
        """Twice what the encoder sees."""
        return 2 * self.settings.dense.longer_side

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map an image, of the size of the encoder's dense map: the objects' maps united."""
        return [united(maps) for maps in self.object_maps(images, image_ids)]

    def object_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMaps]:
        """(n, h, w) an image, of the size of the encoder's dense map; no object in an image of a single colour."""
        return [self._objects(image) for image in images]

    def features(self, image: RgbImage) -> DenseFeatures:
        """What the method works on."""
        side, kind = self.settings.dense.longer_side, kind_of(self.settings, self.spec)
        [cells] = self.encoder.dense([image], side, kind)
        attention = self._attention(image, cells) if self.attends else None
        return DenseFeatures(cells, attention, kind == "keys" and self.spec.has_attention)

    def _attention(self, image: RgbImage, cells: FloatArray) -> FloatArray:
        if self.spec.has_attention:
            return self.encoder.attention([image], self.settings.dense.longer_side)[0]
        return activation(cells)

    def _objects(self, image: RgbImage) -> SoftMaps:
        from comus_core.saliency.cuts.feature_means import refined_by_means  # SciPy is loaded where something is cut

        if (image == image[0, 0]).all():
            return np.zeros((0, 1, 1), np.float32)
        features = self.features(image)
        maps = self.method(features, self.settings, self.spec)
        objects = maps if maps.ndim == 3 else maps[None]
        return refined_by_means(objects, features.cells, self.settings.dense.mean_rounds)


def activation(cells: FloatArray) -> FloatArray:
    """The attention of a network without a class token, (1, h, w): Σ f² of each cell over the sum of all.

    The activation-based attention of Zagoruyko and Komodakis (ICLR 2017), as a single head; not what DINO's papers use.
    """
    energy = np.square(cells, dtype=np.float64).sum(axis=2)
    return np.asarray(energy / max(energy.sum(), 1e-12))[None]


def kind_of(settings: SaliencySettings, spec: EncoderSpec) -> DenseKind:
    """Keys or tokens: as set, else keys where a cut of them works."""
    if settings.dense.features != "auto":
        return settings.dense.features
    return "keys" if spec.keys_for_cuts else "tokens"


def dense_spec(
    name: str,
    what: str,
    method: Method,
    chosen: Chosen,
    *,
    attends: bool = False,
    several: bool = False,
    always: bool = True,
    rank: int | None = None,
    learner: Learner | None = None,
) -> DetectorSpec:
    """The spec of a detector over dense features.

    Args:
        name: as in `SaliencySettings.detector`.
        what: one line for people.
        method: features of an image -> soft maps.
        chosen: the settings that decide its maps, beside those that all such detectors share.
        attends: whether it works on attention.
        several: whether it tells objects apart.
        always: see `DetectorSpec`; `what` then ends with it.
        rank: see `DetectorSpec`.
        learner: what it learns before it finds anything; there is no such detector without it.
    """

    def load(settings: SaliencySettings, device: str) -> DenseDetector:
        require(learner is None, f"saliency '{name}' learns from the images of a run, and there is none: run it first")
        return load_dense(name, settings, device, method, attends)

    def identify(settings: SaliencySettings, _: Sequence[HasImageId]) -> DetectorIdentity:
        return dense_identity(name, settings, chosen)

    return DetectorSpec(
        *(name, f"{what}; {ALWAYS}" if always else what, load),
        cuts=True,
        always=always,
        several=several,
        rank=rank,
        learner=learner,
        identify=identify,
        needs=needs,
        cost=lambda settings: cost(name, settings),
    )


def load_dense(name: str, settings: SaliencySettings, device: str, method: Method, attends: bool) -> DenseDetector:
    """The detector with the encoder that `settings.ncut_encoder` names.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are missing or do not fit.
    """
    spec, encoder = encoder_spec(settings.ncut_encoder), load_encoder(settings.ncut_encoder, device)
    hashes = {spec.weights: encoder.weights_sha256} if spec.weights else {}
    return DenseDetector(name, hashes, encoder, spec, settings, method, attends)


def dense_identity(name: str, settings: SaliencySettings, chosen: Chosen) -> DetectorIdentity:
    """Encoder, its kind of features and size, and the detector's own settings, none left open.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are not here.
    """
    spec = encoder_spec(settings.ncut_encoder)
    encoder_settings, weights = encoder_fingerprint(settings.ncut_encoder)
    version = {k: v for k, v in encoder_settings.items() if k in ("version", "positions")}
    shared = to_dict(settings.dense) | {"features": kind_of(settings, spec), "encoder": settings.ncut_encoder}
    return DetectorIdentity({"detector": name, **shared, **chosen(settings, spec), **version}, weights)


def needs(settings: SaliencySettings) -> str | None:
    """The weights of the encoder, where one is chosen."""
    return None if settings.ncut_encoder == "auto" else encoder_spec(settings.ncut_encoder).weights


def cost(name: str, settings: SaliencySettings) -> ItemCost:
    """Of an image: the encoder's operations for a crop, by area, and the arithmetic."""
    encoder = settings.ncut_encoder
    gflop = encoder_spec(encoder).gflop if encoder != "auto" else DetectorSpec.gflop
    return ItemCost(f"{name} {encoder}", gflop * (settings.dense.longer_side / CROP_SIDE) ** 2, CUT_SECONDS)

"""`ncut`: saliency without saliency weights, the normalised cut of an encoder's dense features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comus_core.saliency.normalised_cut import cut_map
from comus_core.types import ImageId, RgbImage, SoftMap

if TYPE_CHECKING:
    from comus_core.features import Encoder

LONGER_SIDE = 480  # pixels of the image that the encoder sees
# Cosines are distributed differently in every encoder. 0.2 is TokenCut's for DINO's vision transformers. Mean IoU of
# EfficientNet-Lite0 on 250 images of ECSSD at 0.2, 0.25, 0.3, 0.35 and 0.4: 44.1, 46.7, 49.4, 49.8 and 33.9.
TAU = {"efficientnet-lite0": 0.3}
TAU_OTHERS = 0.2


def tau_of(encoder: str) -> float:
    """The cosine above which two cells of this encoder's dense map are joined."""
    return TAU.get(encoder, TAU_OTHERS)


@dataclass(frozen=True)
class NcutDetector:
    """Cuts each image in two and calls one side salient: it always yields a mask, on an empty wall too."""

    weights_sha256: dict[str, str]
    encoder: Encoder
    tau: float
    name: str = "ncut"
    batch_size: int = 4
    at_least: int = 2 * LONGER_SIDE

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map an image, of the size of the encoder's dense map; images are encoded one by one."""
        return [cut_map(self.encoder.dense([image], LONGER_SIDE)[0], self.tau) for image in images]


def load_ncut(encoder: str, device: str) -> NcutDetector:
    """The detector over `encoder`, a name of `comus_core.features.ENCODERS`.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are missing or do not fit.
    """
    from comus_core.features import ENCODERS, load_encoder

    loaded = load_encoder(encoder, device)
    return NcutDetector({ENCODERS[encoder].weights: loaded.weights_sha256}, loaded, tau_of(encoder))

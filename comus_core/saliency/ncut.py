"""`ncut`: saliency without saliency weights, the normalised cut of an encoder's dense features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comus_core.config import SaliencySettings
from comus_core.features.encoders import encoder_fingerprint, encoder_spec, load_encoder
from comus_core.features.spec import Encoder
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId, ItemCost
from comus_core.types import ImageId, RgbImage, SoftMap

NAME = "ncut"
MORE_PIXELS = (480 / 256) ** 2  # a dense map is computed from a larger image than a crop
CUT_SECONDS = 0.1  # of the cut itself, on a CPU
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
    """Cuts each image in two and calls one side salient: it always yields a mask, even of an empty wall."""

    weights_sha256: dict[str, str]
    encoder: Encoder
    tau: float
    name: str = NAME
    batch_size: int = 4
    at_least: int = 2 * LONGER_SIDE

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map per image, of the size of the encoder's dense map; images are encoded one by one."""
        from comus_core.saliency.normalised_cut import cut_map  # SciPy is loaded where something is cut

        return [cut_map(self.encoder.dense([image], LONGER_SIDE)[0], self.tau) for image in images]


def load(settings: SaliencySettings, device: str) -> NcutDetector:
    """The detector with the encoder `settings.ncut_encoder`.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are missing or do not fit.
    """
    encoder = load_encoder(settings.ncut_encoder, device)
    weights = encoder_spec(settings.ncut_encoder).weights
    return NcutDetector({weights: encoder.weights_sha256} if weights else {}, encoder, tau_of(settings.ncut_encoder))


def _identify(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    encoder_settings, weights = encoder_fingerprint(settings.ncut_encoder)
    version = {k: v for k, v in encoder_settings.items() if k == "version"}
    own_settings = {"encoder": settings.ncut_encoder, "longer_side": LONGER_SIDE, "tau": tau_of(settings.ncut_encoder)}
    return DetectorIdentity({"detector": NAME, **own_settings, **version}, weights)


def _needs(settings: SaliencySettings) -> str | None:
    return None if settings.ncut_encoder == "auto" else encoder_spec(settings.ncut_encoder).weights


def _cost(settings: SaliencySettings) -> ItemCost:
    encoder = settings.ncut_encoder
    gflop = encoder_spec(encoder).gflop if encoder != "auto" else SPEC.gflop
    return ItemCost(f"{NAME} {encoder}", gflop * MORE_PIXELS, CUT_SECONDS)


SPEC = DetectorSpec(
    NAME,
    "normalised cut of an encoder's dense features: always yields a mask",
    load,
    rank=90,
    can_be_empty=False,
    cuts=True,
    identify=_identify,
    needs=_needs,
    cost=_cost,
)

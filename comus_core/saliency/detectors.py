"""The saliency detectors there are, by name. Readable without torch: a network is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from comus_core.config import SaliencySettings
from comus_core.errors import SettingsError
from comus_core.types import ImageId, RgbImage, SoftMap

MASKS_PREFIX = "masks:"


@dataclass(frozen=True)
class DetectorSpec:
    """One detector's fixed facts.

    Attributes:
        name: as in `SaliencySettings.detector`; "masks:DIR" stands for every folder.
        what: one line for people.
        weights: its name in `comus_core.weights.REGISTRY`; None where the encoder's weights or the user's files serve.
        can_be_empty: whether an image with nothing salient gets no mask.
    """

    name: str
    what: str
    weights: str | None
    can_be_empty: bool


_SPECS = (
    DetectorSpec("u2netp", "U²-Net-p at 320 px: fast, trained on the masks of DUTS", "u2netp", True),
    DetectorSpec("basnet", "BASNet at 256 px on DeepUSPS pseudo-labels: the paper's", "basnet", True),
    DetectorSpec("basnet-supervised", "BASNet at 256 px, trained on the masks of DUTS", "basnet-supervised", True),
    DetectorSpec("ncut", "normalised cut of an encoder's dense features: always yields a mask", None, False),
    DetectorSpec("masks:DIR", "your own masks or soft maps, files of the images' stems in DIR", None, True),
)

DETECTORS: dict[str, DetectorSpec] = {spec.name: spec for spec in _SPECS}


class Detector(Protocol):
    """A loaded detector; the map of an image depends on that image alone, never on its batch."""

    @property
    def name(self) -> str:
        """As in `SaliencySettings.detector`."""
        ...

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Name in the registry -> SHA-256 of the file."""
        ...

    @property
    def batch_size(self) -> int:
        """How many images to give at once."""
        ...

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have: twice what the network sees."""
        ...

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One soft map an image, (h, w) float32 in [0, 1] at the detector's own size."""
        ...


class HasImageId(Protocol):
    """An image file of a data set, as far as a detector cares."""

    @property
    def image_id(self) -> ImageId:
        """The id that names the image everywhere."""
        ...


@dataclass(frozen=True)
class DetectorIdentity:
    """What decides the soft maps of some images, found out without loading a network.

    Attributes:
        settings: JSON values.
        weights: name in the registry -> SHA-256.
        inputs: hash of the user's own masks, else "".
        missing: images without a mask of the user's own; they yield no proposal.
    """

    settings: dict[str, Any]
    weights: dict[str, str]
    inputs: str = ""
    missing: tuple[ImageId, ...] = ()


def detector_fingerprint(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    """The identity of the detector that `settings` name, for these images.

    Raises:
        SettingsError: unknown detector or encoder.
        WeightsError: the weights are not on this machine.
        DatasetError: with `masks:DIR`, there is no such folder, no image has a mask, or two images would share one.
    """
    from comus_core.weights import file_sha256, locate

    settings = choose_detector(settings)
    name = settings.detector
    if name.startswith(MASKS_PREFIX):
        masks = _masks_folder(name)
        found, missing = masks.match([file.image_id for file in files])
        return DetectorIdentity({"detector": "masks"}, {}, masks.fingerprint(found.values()), tuple(missing))
    if name == "ncut":
        from comus_core.features import encoder_spec
        from comus_core.saliency.ncut import LONGER_SIDE, tau_of

        encoder = encoder_spec(settings.ncut_encoder)
        chosen = {"encoder": encoder.name, "longer_side": LONGER_SIDE, "tau": tau_of(encoder.name)}
        return DetectorIdentity({"detector": name, **chosen}, {encoder.weights: file_sha256(locate(encoder.weights))})
    return DetectorIdentity({"detector": name}, {name: file_sha256(locate(name))})


def load_detector(settings: SaliencySettings, device: str = "cpu") -> Detector:
    """The detector that `settings` name, ready to run.

    Args:
        settings: `detector`, and for `ncut` its encoder, with `auto` as the best that is on this machine.
        device: "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        SettingsError: unknown name; lists the valid ones.
        WeightsError: the weights or a package are missing, or do not fit.
        DatasetError: with `masks:DIR`, there is no such folder.
    """
    settings = choose_detector(settings)
    name = settings.detector
    if name.startswith(MASKS_PREFIX):
        from comus_core.saliency.masks_folder import MasksDetector

        return MasksDetector(name, _masks_folder(name), {})
    if name == "ncut":
        from comus_core.saliency.ncut import load_ncut

        return load_ncut(settings.ncut_encoder, device)
    if name == "u2netp":
        from comus_core.saliency.u2netp import load_u2netp

        return load_u2netp(device)
    from comus_core.saliency.basnet import load_basnet

    return load_basnet(name, device)


def choose_detector(settings: SaliencySettings) -> SaliencySettings:
    """The settings with `auto` replaced by the best detector, and encoder for `ncut`, whose weights are here.

    Raises:
        SettingsError: unknown detector; lists the valid ones.
    """
    from comus_core.weights import is_available
    from comus_core.weights.model_selection import DETECTOR_ORDER, ENCODER_ORDER

    name, encoder = settings.detector, settings.ncut_encoder
    if name == "auto":
        name = next((n for n in DETECTOR_ORDER if is_available(n)), "ncut")
    if not (name.startswith(MASKS_PREFIX) or name in DETECTORS):
        raise SettingsError(f"saliency '{name}': choose one of {', '.join(DETECTORS)}")
    if name == "ncut" and encoder == "auto":
        encoder = next((n for n in ENCODER_ORDER if is_available(n)), ENCODER_ORDER[-1])
    return replace(settings, detector=name, ncut_encoder=encoder)


def _masks_folder(name: str) -> Any:
    from comus_core.saliency.masks_folder import MasksFolder

    folder = name.removeprefix(MASKS_PREFIX)
    if not folder:
        raise SettingsError("saliency 'masks:': name the folder of your masks, as in masks:DIR")
    return MasksFolder(Path(folder).expanduser())

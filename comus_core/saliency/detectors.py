"""The saliency detectors there are, by name. Readable without torch: a network is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.config import SaliencySettings
from comus_core.plugins import Registry, part_and_path
from comus_core.saliency import basnet, ncut, own_masks, u2netp
from comus_core.saliency.spec import Detector, DetectorIdentity, DetectorSpec, HasImageId

_OWN = (
    u2netp.SPEC,
    basnet.UNSUPERVISED,
    basnet.SUPERVISED,
    ncut.SPEC,
    own_masks.SPEC,
)

DETECTORS: Registry[DetectorSpec] = Registry("saliency", "comus_explorer.detectors", DetectorSpec, _OWN)


def detector_spec(name: str) -> DetectorSpec:
    """The detector of a setting such as "u2netp" or "masks:DIR".

    Raises:
        SettingsError: there is none; lists the names there are. Or its name wants a path that is not given.
    """
    return part_and_path(DETECTORS, name)[0]


def detector_fingerprint(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    """The identity of the detector that `settings` name, for these images.

    Raises:
        SettingsError: unknown detector or encoder.
        WeightsError: the weights are not on this machine.
        DatasetError: with `masks:DIR`, there is no such folder, no image has a mask, or two images would share one.
    """
    from comus_core.weights import file_sha256, locate

    spec = detector_spec(settings.detector)
    if spec.identify is not None:
        return spec.identify(settings, files)
    weights = spec.weights_for(settings)
    version = {"version": spec.version} if spec.version else {}
    return DetectorIdentity(
        {"detector": spec.name} | version, {weights: file_sha256(locate(weights))} if weights else {}
    )


def load_detector(settings: SaliencySettings, device: str = "cpu") -> Detector:
    """The detector that `settings` name, ready to run.

    Args:
        settings: `detector`, and the encoder where it cuts one's features; `auto` is resolved, see `model_selection`.
        device: "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        SettingsError: unknown name; lists the valid ones.
        WeightsError: the weights or a package are missing, or do not fit.
        DatasetError: with `masks:DIR`, there is no such folder.
    """
    return detector_spec(settings.detector).load(settings, device)

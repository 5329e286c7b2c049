"""The saliency detectors there are, by name. Readable without torch: a network is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from comus_core.config import SaliencySettings
from comus_core.plugins import Registry, part_and_path
from comus_core.saliency import basnet, own_annotations, own_masks, u2netp, whole_image
from comus_core.saliency.dense import dinoseg, dsm, found, found_head, lost, maskcut, recursivecut, tokencut
from comus_core.saliency.priors import dsr, mbd, mc, rbd
from comus_core.saliency.refinement.refiners import RefinedDetector, RefinedObjects, check, refinement_identity
from comus_core.saliency.spec import Detector, DetectorIdentity, DetectorSpec, HasImageId, ObjectDetector
from comus_core.saliency.trained import detector as trained
from comus_core.saliency.trained import shipped
from comus_core.types import FloatArray, ImageId, RgbImage, SoftMaps

_OWN = (
    shipped.SPEC,
    u2netp.SPEC,
    basnet.UNSUPERVISED,
    basnet.SUPERVISED,
    tokencut.SPEC,
    maskcut.SPEC,
    recursivecut.SPEC,
    lost.SPEC,
    dsm.SPEC,
    dinoseg.SPEC,
    found.SPEC,
    found_head.SPEC,
    rbd.SPEC,
    mbd.SPEC,
    dsr.SPEC,
    mc.SPEC,
    whole_image.SPEC,
    trained.SPEC,
    own_masks.SPEC,
    own_annotations.SPEC,
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
    from comus_core.weights.store import file_sha256, locate

    spec = detector_spec(settings.detector)
    if spec.identify is not None:
        identity = spec.identify(settings, files)
    else:
        weights = spec.weights_for(settings)
        version = {"version": spec.version} if spec.version else {}
        hashes = {weights: file_sha256(locate(weights))} if weights else {}
        identity = DetectorIdentity({"detector": spec.name} | version, hashes)
    if spec.given is not None:  # masks, which nothing refines
        return identity
    return replace(identity, settings=identity.settings | refinement_identity(settings))


def load_detector(
    settings: SaliencySettings, device: str = "cpu", learned: Mapping[str, FloatArray] | None = None
) -> Detector:
    """The detector that `settings` name, ready to run, its maps refined if they say so.

    `auto` must be resolved in them, see `model_selection`. `learned` is what a detector with a `learner` learned from
    the images of a run.

    Raises:
        SettingsError: unknown name; lists the valid ones. Or the detector learns, and `learned` is not given; or a
            package for the refinement is missing.
        WeightsError: the weights or a package are missing, or do not fit.
        DatasetError: with `masks:DIR`, there is no such folder.
    """
    check(settings)
    spec = detector_spec(settings.detector)
    if spec.learner is not None and learned is not None:
        detector = spec.learner.load(settings, device, learned)
    else:
        detector = spec.load(settings, device)
    if settings.refine == "none":
        return detector
    return RefinedObjects(detector, settings) if spec.several else RefinedDetector(detector, settings)


def object_maps(detector: Detector, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMaps]:
    """(n, h, w) an image: a map an object of a detector that tells them apart, else the one soft map."""
    if detector_spec(detector.name).several:
        return cast(ObjectDetector, detector).object_maps(images, image_ids)
    return [soft[None] for soft in detector.soft_maps(images, image_ids)]

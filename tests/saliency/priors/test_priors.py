"""All priors: images whose answer is known, images without an answer, settings and identity."""

from dataclasses import replace

import numpy as np
import pytest

from comus_core.config import SaliencySettings
from comus_core.config.formulas import PriorSettings
from comus_core.errors import SettingsError
from comus_core.pipelines.model_selection import ranked
from comus_core.proposals.resizing import resize_bilinear
from comus_core.saliency.detectors import DETECTORS, detector_fingerprint, load_detector
from comus_core.saliency.priors.maps import PRIORS, prior_maps
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.thresholding import find_proposals
from comus_core.settings import changed
from tests.saliency.priors.drawn import disc, iou

NAMES = list(PRIORS)


def mask_of(image, name, threshold=0.4):
    return resize_bilinear(prior_maps(image, [name])[name], image.shape[:2]) > threshold


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("centre", "radius"), [((100, 130), 45), ((115, 80), 30), ((70, 190), 25)])
def test_a_disc_on_a_plain_background_is_found(name, centre, radius):
    image, mask = disc(centre, radius)
    assert iou(mask_of(image, name), mask) > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_two_discs_are_both_found(name):
    image, left = disc((100, 70), 32)
    other, right = disc((90, 190), 32, seed=1)
    image[right] = other[right]
    found = mask_of(image, name)
    assert iou(found, left | right) > 0.9
    assert found[left].mean() > 0.9 and found[right].mean() > 0.9


@pytest.mark.parametrize("name", ["rbd", "mbd"])
def test_an_object_that_touches_one_border_is_found_by_what_does_not_take_all_borders_for_background(name):
    image, mask = disc((100, 20), 50)
    assert iou(mask_of(image, name), mask) > 0.8


@pytest.mark.parametrize("name", ["dsr", "mc"])
def test_what_takes_all_borders_for_background_loses_an_object_that_touches_one(name):
    image, mask = disc((100, 20), 50)
    assert iou(mask_of(image, name), mask) < 0.5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noise", [0, 3])
def test_a_plain_wall_has_an_empty_map_and_no_proposal(name, noise):
    wall = np.full((200, 300, 3), (130, 120, 140)) + np.random.default_rng(0).normal(0, noise, (200, 300, 3))
    soft = prior_maps(np.clip(wall, 0, 255).astype(np.uint8), [name])[name]
    assert not soft.any() and soft.dtype == np.float32
    assert len(find_proposals("wall", quantise(soft), (200, 300), SaliencySettings())) == 0


@pytest.mark.parametrize("value", ["noise", "grey noise", 0, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 2), (3, 90), (15, 16), (40, 50)])
def test_images_of_any_size_have_finite_maps_in_the_unit_interval_at_the_working_size(size, value):
    rng = np.random.default_rng(0)
    image = np.full((*size, 3), 0 if isinstance(value, str) else value, np.uint8)
    if value == "noise":
        image = rng.integers(0, 256, image.shape).astype(np.uint8)
    elif value == "grey noise":
        image = np.repeat(rng.integers(0, 256, (*size, 1)).astype(np.uint8), 3, axis=2)
    maps = prior_maps(image)
    longest = min(max(size), PriorSettings().side)
    for soft in maps.values():
        quantise(soft)  # refuses what is not finite or not in [0, 1]
        assert soft.dtype == np.float32 and max(soft.shape) == longest
    if not isinstance(value, str):
        assert not any(soft.any() for soft in maps.values())


def test_several_priors_of_an_image_are_what_each_is_alone():
    image, _ = disc((90, 120), 40, seed=3)
    together = prior_maps(image)
    assert list(together) == NAMES
    for name, soft in together.items():
        assert np.array_equal(soft, prior_maps(image, [name])[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_and_of_eight_give_the_same_maps(name):
    detector = load_detector(SaliencySettings(detector=name))
    images = [disc((60 + 8 * i, 90 + 10 * i), 20 + 3 * i, seed=i)[0][: 200 - 5 * i] for i in range(8)]
    together = detector.soft_maps(images, list("abcdefgh"))
    for image, soft in zip(images, together, strict=True):
        assert np.array_equal(detector.soft_maps([image], ["x"])[0], soft)


def test_the_working_size_is_a_setting_and_never_enlarges():
    image, _ = disc((100, 130), 45)
    assert prior_maps(image, ["mbd"], PriorSettings(side=100))["mbd"].shape == (77, 100)
    assert prior_maps(image, ["mbd"], PriorSettings(side=900))["mbd"].shape == (200, 260)


def test_an_unknown_prior_lists_those_there_are():
    with pytest.raises(SettingsError, match="prior 'hs': choose of rbd, mbd, dsr, mc"):
        prior_maps(np.zeros((9, 9, 3), np.uint8), ["rbd", "hs"])


@pytest.mark.parametrize("name", NAMES)
def test_priors_owe_nothing_to_labels_and_are_never_chosen_by_auto(name):
    spec = DETECTORS[name]
    assert spec.rank is None and name not in ranked(DETECTORS) and spec.weights is None
    assert (spec.supervision.direct, spec.supervision.inherited) == ("none", "none")
    assert spec.cost_for(SaliencySettings(detector=name)).seconds > 0


def test_what_decides_a_map_is_its_identity_and_nothing_else_is():
    def identity(name, **changes):
        return detector_fingerprint(changed(SaliencySettings(detector=name), changes), [])

    for name in NAMES:
        assert identity(name, **{"priors.side": 200}) != identity(name)
        assert identity(name, threshold=0.3) == identity(name)
    assert identity("rbd", **{"priors.rbd.colour": 12.0}) != identity("rbd")
    assert identity("rbd", **{"priors.mc.colour": 0.2}) == identity("rbd")
    assert identity("mbd", **{"priors.superpixels": 200}) == identity("mbd")
    assert identity("mc", **{"priors.superpixels": 200}) != identity("mc")
    assert identity("dsr", **{"priors.iterations": 9}) != identity("dsr")


def test_each_constant_changes_its_map_and_no_other():
    image = np.random.default_rng(1).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    image = np.kron(image, np.ones((12, 12, 1), np.uint8))
    image[40:80, 50:100] = image[40:80, 50:100] // 4 + (150, 20, 10)
    before = prior_maps(image)
    for name, setting, value in (
        ("rbd", "colour", 20.0), ("rbd", "connectivity", 0.5), ("rbd", "space", 0.1), ("rbd", "smoothness", 0.5),
        ("rbd", "background", 1.0), ("mbd", "passes", 1), ("mbd", "margin", 0.3), ("mbd", "regularisation", 900.0),
        ("mbd", "smoothing", 0.0), ("mbd", "contrast", 3.0), ("dsr", "energy", 0.5), ("dsr", "sparsity", 0.3),
        ("dsr", "clusters", 2), ("dsr", "spread", 0.0), ("dsr", "centre", 0.1), ("mc", "colour", 0.5),
    ):  # fmt: skip
        settings = PriorSettings()
        settings = replace(settings, **{name: replace(getattr(settings, name), **{setting: value})})
        after = prior_maps(image, settings=settings)
        assert [n for n in NAMES if not np.array_equal(before[n], after[n])] == [name], setting


def test_scales_without_a_compactness_are_refused():
    with pytest.raises(SettingsError, match="as many of the one as of the other"):
        changed(PriorSettings(), {"dsr.superpixels": [100, 200], "dsr.compactness": [10.0]})

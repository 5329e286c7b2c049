"""What all detectors over dense features have in common, whatever they compute."""

import dataclasses

import numpy as np
import pytest

from comus_core.config import SaliencySettings
from comus_core.errors import SettingsError
from comus_core.features.encoders import encoder_spec
from comus_core.saliency.dense import found_head
from comus_core.saliency.dense.detector import ALWAYS, DenseDetector, activation, kind_of
from comus_core.saliency.dense.lost import CELLS, patches
from comus_core.saliency.detectors import DETECTORS, detector_fingerprint, detector_spec, load_detector, object_maps
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.spec import united
from comus_core.saliency.thresholding import find_proposals
from comus_core.settings import changed, flat, to_dict

CUTS = [name for name, spec in DETECTORS.items() if spec.cuts and spec.learner is None]
LITE0 = "efficientnet-lite0"
GROUPS = {name: name for name in ("tokencut", "maskcut", "recursivecut", "lost", "dsm", "dinoseg", "found")} | {
    "found-head": "found_head"
}
OTHER = {
    "tau": 0.11, "corners": True, "region": False, "rounds": 2, "overlap": 0.4, "least": 0.03, "k": 50, "scaled": False,
    "centred": False, "floor": 0.1, "head": "max-area", "mass": 0.5, "images": 7, "steps": 3, "batch": 2,
    "learning_rate": 0.1, "first_steps": 1, "filtered_weight": 1.0, "own_weight": 1.0,
    "features": "tokens", "longer_side": 320, "mean_rounds": 2, "ncut": 0.9, "most": 3,
    "ground_corners": 1,
}  # fmt: skip


def settings_of(detector: str, **changes) -> SaliencySettings:
    return changed(SaliencySettings(detector, ncut_encoder=LITE0), changes)


def balls() -> tuple[np.ndarray, list[np.ndarray]]:
    """Two chequered balls on a grainy floor, and their masks."""
    y, x = np.mgrid[:300, :400]
    masks = [(y - 150) ** 2 + (x - 300) ** 2 < 70**2, (y - 120) ** 2 + (x - 100) ** 2 < 50**2]
    image = (120 + 30 * y / 300)[..., None] + np.random.default_rng(0).normal(0, 25, (300, 400, 1))
    image = np.clip(image, 0, 255) * np.ones(3)
    for mask, colours in zip(masks, (((20, 20, 160), (240, 240, 250)), ((200, 30, 20), (250, 220, 40))), strict=True):
        image = np.where(mask[..., None], np.where(((y // 20 + x // 20) % 2)[..., None], *colours), image)
    return image.astype(np.uint8), masks


@pytest.fixture(scope="module", params=CUTS)
def detector(request) -> DenseDetector:
    return load_detector(settings_of(request.param))


def test_the_registry_has_one_of_each_method_and_ncut_is_called_tokencut():
    assert set(CUTS) == {"tokencut", "maskcut", "recursivecut", "lost", "dsm", "dinoseg", "found"}
    with pytest.raises(SettingsError, match=r"'ncut': choose one of .*tokencut"):
        detector_spec("ncut")


def test_an_image_of_one_colour_has_no_object_and_the_spec_says_that_an_empty_wall_has(detector):
    for colour in ((0, 0, 0), (255, 255, 255), (130, 90, 40)):
        image = np.full((200, 300, 3), colour, np.uint8)
        [soft] = detector.soft_maps([image], ["wall"])
        assert len(find_proposals("wall", quantise(soft), (200, 300), SaliencySettings(min_area=0))) == 0
    spec = detector_spec(detector.name)
    assert spec.always == spec.what.endswith(ALWAYS) == (detector.name not in ("found", "recursivecut"))


def test_a_batch_of_eight_gives_the_maps_of_each_alone(detector):
    image, _ = balls()
    small = dataclasses.replace(detector, settings=settings_of(detector.name, **{"dense.longer_side": 128}))
    parts = [image[10 * k : 10 * k + 150, 20 * k : 20 * k + 180] for k in range(8)]
    ids = [str(k) for k in range(8)]
    together = small.soft_maps(parts, ids)
    for k in range(8):
        assert np.array_equal(small.soft_maps([parts[k]], [ids[k]])[0], together[k])
    assert np.array_equal(united(object_maps(small, parts[:1], ids[:1])[0]), together[0])


def test_maps_have_the_grid_of_the_encoder_and_values_from_0_to_1(detector):
    image, _ = balls()
    [soft] = detector.soft_maps([image], ["balls"])
    assert soft.shape == (22, 30) and soft.dtype == np.float32  # 360 × 480 pixels in cells of 16, rounded
    assert soft.min() >= 0 and soft.max() <= 1


@pytest.mark.parametrize("name", ["tokencut", "maskcut", "lost"])
def test_balls_on_a_floor_are_found_with_features_alone(name):
    image, masks = balls()
    [soft] = load_detector(settings_of(name)).soft_maps([image], ["balls"])
    found = find_proposals("balls", quantise(soft), image.shape[:2], SaliencySettings())
    truth = masks[0] | masks[1]
    best = max((found.mask(0) & t).sum() / (found.mask(0) | t).sum() for t in (*masks, truth))
    assert best > 0.5


def test_maskcut_makes_a_proposal_of_each_ball():
    image, masks = balls()
    [maps] = load_detector(settings_of("maskcut", **{"maskcut.rounds": 2})).object_maps([image], ["balls"])
    found = find_proposals("balls", quantise(maps), image.shape[:2], SaliencySettings())
    iou = [[float((found.mask(k) & m).sum() / (found.mask(k) | m).sum()) for k in range(len(found))] for m in masks]
    assert len(found) == 2 and all(max(row) > 0.5 for row in iou), iou


@pytest.mark.parametrize("name", [*CUTS, found_head.NAME])
def test_a_change_of_any_of_its_settings_changes_the_identity_and_of_anothers_does_not(name):
    plain = detector_fingerprint(settings_of(name), [])
    assert set(plain.weights) == {LITE0} and plain.settings["detector"] == name
    own = {GROUPS[name], "dense"} | ({"found"} if name == "found-head" else set())
    for group in {*GROUPS.values(), "dense"}:
        for field in flat(to_dict(getattr(SaliencySettings(), group))):
            identity = detector_fingerprint(settings_of(name, **{f"{group}.{field}": OTHER[field]}), [])
            assert (identity != plain) == (group in own), (group, field)


def test_what_is_left_open_is_resolved_in_the_identity():
    assert detector_fingerprint(settings_of("tokencut"), []).settings == {
        "detector": "tokencut", "encoder": LITE0, "features": "keys", "longer_side": 480, "mean_rounds": 0,
        "tau": 0.3, "corners": False, "region": True,
    }  # fmt: skip
    assert detector_fingerprint(settings_of("lost"), []).settings["centred"] is True
    dino, other = encoder_spec("dino-vits8"), encoder_spec("dinov2-vits14")
    assert [kind_of(SaliencySettings(), spec) for spec in (dino, other)] == ["keys", "tokens"]
    forced = changed(SaliencySettings(), {"dense.features": "tokens"})
    assert kind_of(forced, dino) == "tokens"


def test_rounds_of_means_change_the_maps_of_any_detector():
    image, _ = balls()
    plain, refined = (
        load_detector(settings_of("dinoseg", **{"dense.mean_rounds": rounds})).soft_maps([image], ["x"])[0]
        for rounds in (0, 3)
    )
    assert not np.array_equal(plain > 0.5, refined > 0.5)


def test_the_patches_of_lost_scale_with_the_grid_unless_they_are_not_to():
    assert patches(SaliencySettings(), CELLS) == 100 and patches(SaliencySettings(), CELLS * 4) == 400
    fixed = changed(SaliencySettings(), {"lost.scaled": False, "lost.k": 7})
    assert patches(fixed, CELLS * 4) == 7


def test_a_head_that_the_encoder_does_not_have_is_refused():
    with pytest.raises(SettingsError, match="head 3: encoder 'efficientnet-lite0' has heads 0 to 0"):
        detector_fingerprint(settings_of("dinoseg", **{"dinoseg.head": 3}), [])


def test_without_a_class_token_the_attention_is_the_energy_of_each_cell():
    cells = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    energy = [[sum(float(v) ** 2 for v in cells[y, x]) for x in range(2)] for y in range(2)]
    assert np.allclose(activation(cells), [np.array(energy) / np.sum(energy)])
    assert not activation(np.zeros((2, 2, 3))).any()


class Transformer:
    """The interface of a transformer, with features and attention that are drawn."""

    def __init__(self):
        self.asked = []

    def dense(self, images, longer_side, kind="keys"):
        self.asked.append((kind, longer_side))
        return [np.random.default_rng(1).standard_normal((6, 8, 12)).astype(np.float32) for _ in images]

    def attention(self, images, longer_side):
        self.asked.append(("attention", longer_side))
        return [np.random.default_rng(2).random((6, 6, 8)).astype(np.float32) ** 3 for _ in images]


@pytest.mark.parametrize("name", CUTS)
def test_each_method_asks_a_transformer_for_what_it_needs(name):
    image, _ = balls()
    seen, encoder = encoder_spec("dino-vits8"), Transformer()
    loaded = dataclasses.replace(load_detector(settings_of(name)), encoder=encoder, spec=seen)
    [soft] = loaded.soft_maps([image], ["x"])
    attends = name in ("dinoseg", "found")
    assert encoder.asked == [("keys", 480), *([("attention", 480)] if attends else [])]
    assert soft.shape == (6, 8)
    assert (soft > 0.5).any() or name == "recursivecut"  # in noise there is no cheap cut

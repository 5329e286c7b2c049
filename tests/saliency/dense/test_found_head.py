"""FOUND's head: it learns on drawn features, and in a run on the run's own images."""

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.config.cuts import FoundHeadSettings
from comus_core.errors import SettingsError
from comus_core.pipelines.apply_rounds import context_on
from comus_core.pipelines.described_image import describe_image
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.dense.found_head import head_map
from comus_core.saliency.dense.head_training import EdgeFilter, fit_head, trusted
from comus_core.saliency.detectors import load_detector
from comus_core.settings import changed
from comus_core.stages import check_images, soft_maps
from comus_core.stages.learned_detector import drawn_images, learned_in, read_learned
from tests.saliency.cuts.drawn_features import two_regions
from tests.saliency.dense.test_dense_detectors import balls, settings_of


def as_it_is(_, mask):
    return mask


def drawn_set(count=6):
    """Features with known objects, and masks of them displaced in a way of each image's own."""
    drawn = [two_regions(noise=0.6, seed=0) for _ in range(count)]
    shifts = [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1), (-1, -1)]
    masks = [np.roll(inside, shift, (0, 1)) for (_, inside), shift in zip(drawn, shifts, strict=True)]
    return [features for features, _ in drawn], masks, drawn[0][1]


def test_the_first_step_is_that_of_adamw_by_hand():
    cells, masks, _ = drawn_set(2 * 3)
    learned = fit_head(cells, masks, as_it_is, FoundHeadSettings(steps=1), 0)
    rows, target = np.concatenate([c.reshape(-1, 16) for c in cells]), np.concatenate([m.ravel() for m in masks])
    slope = ((0.5 - target)[:, None] * rows).mean(axis=0)  # of the cross entropy, where all weights are zero
    scale = np.sqrt((rows.astype(float) ** 2).mean())
    assert np.allclose(learned["weight"], -0.05 * np.sign(slope) / scale, rtol=1e-4)
    assert learned["bias"] == pytest.approx(-0.05 * np.sign(0.5 - target.mean()), rel=1e-4)


def test_it_learns_the_object_that_the_rule_displaces_and_the_same_twice():
    cells, masks, inside = drawn_set()
    one, two = (fit_head(cells, masks, as_it_is, FoundHeadSettings(batch=3), 7) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in ("weight", "bias"))
    found = head_map(cells[0], one["weight"], one["bias"]) > 0.5
    assert np.array_equal(found, inside) and not any(np.array_equal(mask, inside) for mask in masks)
    other = fit_head(cells, masks, as_it_is, FoundHeadSettings(batch=3), 8)
    assert not np.array_equal(one["weight"], other["weight"])


def test_the_filtered_masks_are_what_it_learns():
    cells, masks, inside = drawn_set()
    learned = fit_head(cells, masks, lambda _, mask: inside, FoundHeadSettings(steps=100), 0)
    assert np.array_equal(head_map(cells[0], learned["weight"], learned["bias"]) > 0.5, inside)


def test_a_filtered_mask_counts_where_its_iou_is_above_one_half():
    mask, half, more = np.zeros((3, 4, 4), bool)
    mask[:2], half[:1], more[:2, :3] = True, True, True
    assert trusted(half, mask) is mask and trusted(more, mask) is more
    empty = np.zeros_like(mask)
    assert trusted(empty, mask) is mask and trusted(empty, empty) is empty


def test_a_mask_moves_to_the_edge_of_its_image():
    truth = np.zeros((20, 24), bool)
    truth[5:15, 6:18] = True
    pixels = np.kron(truth, np.ones((9, 9), bool))
    image = np.where(pixels[..., None], (220, 60, 40), (40, 90, 160)).astype(np.uint8)
    rough = np.roll(truth, 1, axis=1)
    better = EdgeFilter(image, truth.shape)(rough)
    assert (better ^ truth).sum() < (rough ^ truth).sum()


def test_the_images_are_drawn_with_the_seed_and_whatever_their_order():
    ids = [f"{k:02d}" for k in range(30)]
    chosen = drawn_images(ids, 10, 3)
    assert chosen == sorted(chosen) and len(set(chosen)) == 10 and chosen == drawn_images(ids[::-1], 10, 3)
    assert chosen != drawn_images(ids, 10, 4) and drawn_images(ids, 99, 3) == ids


def test_without_a_run_there_is_no_such_detector():
    with pytest.raises(SettingsError, match="'found-head' learns from the images of a run"):
        load_detector(settings_of("found-head"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place, (image, _) = tmp_path_factory.mktemp("balls"), balls()
    for name, picture in {"a": image, "b": image[::-1], "c": image[:, ::-1], "d": image[::-1, ::-1]}.items():
        Image.fromarray(picture).save(place / f"{name}.png")
    workspace = open_workspace(tmp_path_factory.mktemp("work"))
    saliency = {
        "detector": "found-head", "dense": {"longer_side": 192}, "found": {"tau": 0.5},
        "found_head": {"images": 3, "steps": 60},
    }  # fmt: skip
    config = make_config(dataset=str(place), saliency=saliency, features={"encoder": "efficientnet-lite0"})
    return workspace, discover(config, workspace, DiscoverSettings(until="saliency"))


def test_a_run_keeps_what_its_detector_learned_and_learns_anew_with_another_seed(run):
    workspace, made = run
    kept = learned_in(workspace, made)
    assert {name: values.shape for name, values in read_learned(kept).items()} == {"weight": (112,), "bias": (1,)}
    other = discover(changed(made.config, {"seed": 5}), workspace, DiscoverSettings(until="saliency"))
    assert learned_in(workspace, other).fingerprint != kept.fingerprint
    again = discover(changed(made.config, {"saliency.threshold": 0.4}), workspace, DiscoverSettings(until="saliency"))
    assert again.artifacts["soft_maps"] == made.artifacts["soft_maps"]


def test_other_images_are_seen_by_the_head_of_the_run(run, tmp_path):
    workspace, made = run
    image, _ = balls()
    (tmp_path / "other").mkdir()
    Image.fromarray(image[20:, 30:]).save(tmp_path / "other" / "new.png")
    context = context_on(made, str(tmp_path / "other"), workspace, "cpu", lambda _: None)
    maps = soft_maps(context, check_images(context))
    assert maps.manifest()["key"]["inputs"]["learned"] == learned_in(workspace, made).fingerprint
    learned = read_learned(learned_in(workspace, made))
    [alone] = load_detector(made.config.saliency, learned=learned).soft_maps([image[20:, 30:]], ["new.png"])
    [stored] = tables.read_soft_maps(maps, ["new.png"])
    assert np.abs(alone - stored).max() <= 0.5 / 255 + 1e-6
    assert describe_image(workspace, made, tmp_path / "other" / "new.png", "cpu").height == 280

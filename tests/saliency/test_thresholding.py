import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from comus_core.config import SaliencySettings
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.thresholding import disjoint, find_proposals, masks_from_soft_map

PAPER = SaliencySettings(resize="binary", min_area=0)
SOFT = SaliencySettings(resize="soft", min_area=0)


def random_map(seed: int, shape=(24, 24)) -> np.ndarray:
    rough = torch.from_numpy(np.random.default_rng(seed).random((1, 1, 5, 5), np.float32))
    return quantise(F.interpolate(rough, shape, mode="bicubic").clamp(0, 1)[0, 0].numpy())


def test_the_papers_rule_thresholds_first_and_then_takes_nearest_pixels():
    stored = random_map(0)
    [mask] = masks_from_soft_map(stored, (37, 50), PAPER)
    for y in range(37):
        for x in range(50):
            source = stored[int((y + 0.5) * 24 / 37), int((x + 0.5) * 24 / 50)]
            assert mask[y, x] == (source > 127.5)


def test_the_default_rule_resizes_first_and_then_thresholds():
    stored = random_map(1)
    [mask] = masks_from_soft_map(stored, (37, 50), SOFT)
    exact = F.interpolate(torch.from_numpy(stored)[None, None].double() / 255, (37, 50), mode="bilinear")[0, 0].numpy()
    sure = np.abs(exact - 0.5) > 1e-6
    assert sure.mean() > 0.99 and np.array_equal(mask[sure], exact[sure] > 0.5)


def test_the_two_rules_give_different_borders():
    stored = random_map(2)
    [paper], [soft] = (masks_from_soft_map(stored, (240, 240), rule) for rule in (PAPER, SOFT))
    assert 0 < (paper != soft).mean() < 0.05


@pytest.mark.parametrize("resize", ["soft", "binary"])
def test_a_map_that_reaches_only_0_3_has_no_mask_however_much_it_varies(resize):
    stored = quantise(np.random.default_rng(3).random((32, 32), np.float32) * np.float32(0.3))
    assert stored.max() > 70
    assert masks_from_soft_map(stored, (100, 100), SaliencySettings(resize=resize, min_area=0)) == []


@pytest.mark.parametrize("level", [0, 50, 127])
def test_a_constant_map_below_the_threshold_has_no_mask(level):
    assert masks_from_soft_map(np.full((8, 8), level, np.uint8), (64, 64), SOFT) == []


def test_a_constant_map_above_the_threshold_is_all_mask():
    [mask] = masks_from_soft_map(np.full((8, 8), 128, np.uint8), (64, 48), SOFT)
    assert mask.shape == (64, 48) and mask.all()


def test_scaling_all_values_down_never_adds_foreground():
    stored = random_map(4)
    [whole] = masks_from_soft_map(stored, (50, 50), SOFT)
    fainter = masks_from_soft_map((stored * 0.8).astype(np.uint8), (50, 50), SOFT)
    assert fainter and not (fainter[0] & ~whole).any() and fainter[0].sum() < whole.sum()


def test_another_threshold_is_obeyed():
    stored = random_map(5)
    [low] = masks_from_soft_map(stored, (24, 24), SaliencySettings(threshold=0.2, min_area=0))
    assert np.array_equal(low, stored > 0.2 * 255)


@pytest.mark.parametrize("resize", ["soft", "binary"])
@pytest.mark.parametrize(("min_area", "kept"), [(399, True), (400, False), (401, False)])
def test_a_mask_needs_more_pixels_of_the_original_image_than_min_area(resize, min_area, kept):
    stored = np.zeros((50, 50), np.uint8)
    stored[10:20, 20:30] = 255
    size = (100, 100)  # 10 × 10 cells of 50 × 50 are 20 × 20 pixels of 100 × 100
    [mask] = masks_from_soft_map(stored, size, SaliencySettings(resize=resize, min_area=0))
    assert mask.sum() == 400
    assert bool(masks_from_soft_map(stored, size, SaliencySettings(resize=resize, min_area=min_area))) == kept


def test_all_foreground_of_an_image_is_one_proposal_with_a_tight_box():
    stored = np.zeros((40, 60), np.uint8)
    stored[5:15, 3:13], stored[20:35, 40:60] = 200, 255
    found = find_proposals("a/b.jpg", stored, (40, 60), SaliencySettings(min_area=0))
    assert len(found) == 1 and found.image_id[0] == "a/b.jpg" and found.proposal_id[0] == "a/b.jpg#0"
    assert found.box_xyxy.tolist() == [[3, 5, 60, 35]] and found.area.tolist() == [100 + 300]
    assert np.array_equal(found.mask(0), stored > 0)


@pytest.mark.parametrize("rule", [PAPER, SOFT])
def test_the_score_is_the_mean_of_the_resized_map_inside_the_mask(rule):
    stored = random_map(6)
    found = find_proposals("x", stored, (37, 50), rule)
    soft = F.interpolate(torch.from_numpy(stored)[None, None].double() / 255, (37, 50), mode="bilinear")[0, 0].numpy()
    assert found.score[0] == pytest.approx(soft[found.mask(0)].mean(), abs=1e-6)
    assert found.size_hw.tolist() == [[37, 50]]


def test_an_image_with_nothing_salient_gives_an_empty_table():
    found = find_proposals("x", np.full((8, 8), 90, np.uint8), (480, 640), SaliencySettings())
    assert len(found) == 0 and found.to_table().num_rows == 0


@given(st.integers(0, 1000), st.integers(0, 30))
def test_disjoint_masks_share_no_pixel_and_the_earlier_keeps_its_own(seed, min_area):
    masks = list(np.random.default_rng(seed).random((4, 8, 8)) > 0.6)
    kept = list(disjoint(masks, min_area).values())
    assert sum(m.astype(int) for m in kept).max(initial=0) <= 1 if kept else True
    assert all(m.sum() > min_area for m in kept)
    if masks[0].sum() > min_area:
        assert np.array_equal(kept[0], masks[0])
    if min_area == 0:
        assert np.array_equal(np.any(kept, axis=0), np.any(masks, axis=0))


@given(st.integers(0, 500), st.integers(0, 20), st.sampled_from(["soft", "binary"]))
def test_of_several_maps_the_higher_score_keeps_common_pixels_and_each_object_is_one_proposal(seed, min_area, resize):
    settings = SaliencySettings(resize=resize, min_area=min_area)
    maps = np.stack([random_map(seed + 1000 * k, (12, 16)) for k in range(3)])
    size = (30, 40)
    alone = [find_proposals("x", one, size, settings) for one in maps]
    ranked = sorted((p for p in alone if len(p)), key=lambda p: -p.score[0])
    expected, taken = [], np.zeros(size, bool)
    for proposal in ranked:
        rest = proposal.mask(0) & ~taken
        if rest.sum() > min_area:
            expected.append(rest)
            taken |= rest
    found = find_proposals("x", maps, size, settings)
    assert list(found.proposal_id) == [f"x#{k}" for k in range(len(expected))]
    assert all(np.array_equal(found.mask(k), mask) for k, mask in enumerate(expected))


def test_the_score_of_an_object_is_that_of_its_own_map_and_no_map_is_no_proposal():
    maps = np.zeros((2, 20, 20), np.uint8)
    maps[0, :, :12], maps[1, :, 8:] = 180, 240
    found = find_proposals("x", maps, (20, 20), SOFT)
    assert np.allclose(found.score, [240 / 255, 180 / 255]) and list(found.area) == [240, 160]
    assert len(find_proposals("x", maps[:0], (20, 20), SOFT)) == 0

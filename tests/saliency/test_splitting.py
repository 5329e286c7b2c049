"""The objects of one soft map: flooding cell by cell, and drawn scenes whose parts are known."""

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.config import SaliencySettings
from comus_core.saliency.soft_maps import dequantise, quantise
from comus_core.saliency.splitting import basins, components, peaks
from comus_core.saliency.thresholding import find_proposals, masks_from_soft_map
from comus_core.settings import changed
from tests.saliency.cuts.test_mask_cut import connected
from tests.saliency.test_thresholding import random_map

SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
PARTS = SaliencySettings(split="components", min_area=0)
PEAKS = changed(SaliencySettings(split="peaks", min_area=0), {"peaks.depth": 0.1})


def flooded(mask):
    """The components of a mask as sets of cells, by flooding from each cell in reading order."""
    left, found = {(int(y), int(x)) for y, x in np.argwhere(mask)}, []
    for y, x in [tuple(int(v) for v in cell) for cell in np.argwhere(mask)]:
        if (y, x) in left:
            found.append(connected(mask, (y, x)))
            left -= found[-1]
    return found


def cells(mask):
    return {(int(y), int(x)) for y, x in np.argwhere(mask)}


def passes(stored, foreground, start):
    """Cell -> the largest level that some way from the start through the foreground never falls below."""
    best, queue = {}, [(-int(stored[start]), start)]
    while queue:
        level, cell = heapq.heappop(queue)
        if cell in best:
            continue
        best[cell] = -level
        for dy, dx in SIDES:
            near = cell[0] + dy, cell[1] + dx
            inside = 0 <= near[0] < stored.shape[0] and 0 <= near[1] < stored.shape[1]
            if inside and foreground[near] and near not in best:
                heapq.heappush(queue, (max(level, -int(stored[near])), near))
    return best


def slow_peaks(stored, foreground, fall):
    """The peaks by their definition, as sets of cells: within each, no way need fall by more than `fall`.

    A cell is of a peak if from it no cell that is higher, or as high, can be reached without falling by more than
    `fall` below it except those of its own peak.
    """
    places = sorted(cells(foreground))
    reach = {cell: passes(stored, foreground, cell) for cell in places}
    tops = []
    for cell in places:
        own = int(stored[cell])
        if all(int(stored[other]) <= own for other, level in reach[cell].items() if own - level <= fall):
            tops.append(cell)
    merged = []
    for cell in tops:
        group = next((g for g in merged if int(stored[cell]) - reach[cell].get(g[0], -(10**6)) <= fall), None)
        if group is None:
            merged.append([cell])
        else:
            group.append(cell)
    return merged


@given(st.integers(0, 2000), st.integers(0, 12))
def test_components_are_those_of_flooding_cell_by_cell_without_the_small_ones(seed, min_area):
    mask = np.random.default_rng(seed).random((12, 15)) > 0.45
    found = [cells(part) for part in components(mask, min_area)]
    assert found == [part for part in flooded(mask) if len(part) > min_area]


def test_parts_that_touch_at_a_corner_are_two():
    mask = np.zeros((8, 8), bool)
    mask[:4, :4] = mask[4:, 4:] = True
    assert len(components(mask, 0)) == 2
    mask[3, 4] = True
    assert len(components(mask, 0)) == 1


@given(st.integers(0, 500), st.sampled_from([0, 1, 3, 10, 40]))
def test_there_is_a_basin_for_each_peak_and_each_cell_is_in_one_that_it_reaches_best(seed, fall):
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 12, (7, 8)).astype(np.uint8) * 5
    foreground = stored > 10
    found = basins(stored, foreground, fall / 255)
    assert np.array_equal(found > 0, foreground)
    tops = slow_peaks(stored, foreground, fall)
    number_of = [int(found[group[0]]) for group in tops]
    assert sorted(number_of) == list(range(1, found.max(initial=0) + 1))
    assert all(len({int(found[cell]) for cell in group}) == 1 for group in tops)
    reach = {n: passes(stored, foreground, group[0]) for n, group in zip(number_of, tops, strict=True)}
    for cell in cells(foreground):
        levels = {n: min(way.get(cell, -1), int(stored[cell])) for n, way in reach.items()}
        assert levels[int(found[cell])] == max(levels.values())
    for number in number_of:
        assert len(flooded(found == number)) == 1


def hills(*places, size=(60, 90), width=14.0, ground=0.0):
    """A soft map of round hills: (row, column, height)."""
    y, x = np.mgrid[: size[0], : size[1]]
    each = [h * np.exp(-((y - r) ** 2 + (x - c) ** 2) / (2 * width**2)) for r, c, h in places]
    return np.clip(np.max(each, axis=0) + ground, 0, 1).astype(np.float32)


def test_two_hills_that_touch_are_parted_at_the_valley_and_only_by_peaks():
    soft = hills((30, 27, 1.0), (30, 59, 1.0))
    saddle = float(soft[30, 43])
    assert 0.5 < saddle < 0.55
    stored = quantise(soft)
    [whole] = masks_from_soft_map(stored, soft.shape, PARTS)
    left, right = masks_from_soft_map(stored, soft.shape, PEAKS)
    assert np.array_equal(left | right, whole) and not (left & right).any()
    assert not left[:, 44:].any() and not right[:, :43].any()  # column 43 is the valley
    for depth, count in ((1 - saddle - 0.01, 2), (1 - saddle + 0.01, 1)):
        assert len(masks_from_soft_map(stored, soft.shape, changed(PEAKS, {"peaks.depth": depth}))) == count


def test_peaks_of_the_same_height_with_a_shallow_dip_are_one_and_a_deeper_one_parts_them():
    for dip, count in ((229, 2), (230, 1)):  # 255 − 25 is a fall of 0.098, 255 − 26 one of 0.102
        stored = np.full((9, 21), 255, np.uint8)
        stored[:, 10] = dip
        assert len(masks_from_soft_map(stored, stored.shape, changed(PEAKS, {"peaks.depth": 0.1}))) == count


@pytest.mark.parametrize("seed", range(20))
def test_noise_below_the_depth_never_divides_an_object_nor_hides_a_true_valley(seed):
    noise = 0.045 * (2 * np.random.default_rng(seed).random((60, 90), np.float32) - 1)  # it falls by 0.09 at most
    flat = np.where(hills((30, 45, 1.0)) > 0.6, 0.9, 0.1).astype(np.float32)
    assert len(masks_from_soft_map(quantise(flat + noise), flat.shape, PEAKS)) == 1
    two = np.clip(hills((30, 27, 0.95), (30, 59, 0.95)) + noise, 0, 1)
    assert len(masks_from_soft_map(quantise(two), two.shape, changed(PEAKS, {"min_area": 30}))) == 2


def test_a_faint_object_apart_from_a_strong_one_is_an_object_and_one_beside_it_is_part_of_it():
    stored = np.zeros((20, 40), np.uint8)
    stored[5:15, 3:15], stored[5:15, 20:32] = 255, 140
    assert len(masks_from_soft_map(stored, stored.shape, PEAKS)) == 2  # 140 is a fall of 0.02 above the threshold
    stored[5:15, 15:20] = 135
    assert len(masks_from_soft_map(stored, stored.shape, PEAKS)) == 1


@given(st.integers(0, 300), st.sampled_from(["soft", "binary"]), st.integers(0, 60), st.floats(0, 0.3))
def test_parts_at_image_size_are_connected_disjoint_large_enough_and_in_reading_order(seed, resize, min_area, depth):
    stored, size = random_map(seed), (37, 50)
    settings = SaliencySettings(resize=resize, min_area=min_area)
    whole = masks_from_soft_map(stored, size, settings)
    by_parts = masks_from_soft_map(stored, size, changed(settings, {"split": "components"}))
    by_peaks = masks_from_soft_map(stored, size, changed(settings, {"split": "peaks", "peaks.depth": depth}))
    assert [cells(m) for m in by_parts] == [p for m in whole for p in flooded(m) if len(p) > min_area]
    for parts in (by_parts, by_peaks):
        assert all(len(flooded(part)) == 1 and part.sum() > min_area for part in parts)
        assert not parts or sum(part.astype(int) for part in parts).max() == 1
        assert [int(part.argmax()) for part in parts] == sorted(int(part.argmax()) for part in parts)
    assert all(any(not (part & ~outer).any() for outer in by_parts) for part in by_peaks)
    if min_area == 0 and whole:
        assert np.array_equal(np.any(by_peaks, axis=0), whole[0])


def test_at_the_detectors_size_and_by_its_own_pixels_peaks_are_the_basins():
    stored = random_map(7)
    foreground = dequantise(stored) > 0.5
    expected = basins(stored, foreground, 0.05)
    found = peaks(foreground, stored, foreground, 0.05, 0)
    assert len(found) == expected.max() > 1
    assert all(len(np.unique(expected[part])) == 1 for part in found)


def test_proposals_are_numbered_by_their_score_and_equal_ones_in_reading_order():
    stored = np.zeros((40, 60), np.uint8)
    stored[2:12, 30:40], stored[5:15, 2:12], stored[20:35, 5:50] = 200, 255, 255
    found = find_proposals("x", stored, (40, 60), changed(SaliencySettings(), {"split": "components", "min_area": 50}))
    assert list(found.proposal_id) == ["x#0", "x#1", "x#2"]
    assert found.box_xyxy.tolist() == [[2, 5, 12, 15], [5, 20, 50, 35], [30, 2, 40, 12]]
    assert np.allclose(found.score, [1, 1, 200 / 255])


def test_maps_of_several_objects_are_divided_too_and_the_higher_score_keeps_common_pixels():
    maps = np.zeros((2, 20, 40), np.uint8)
    maps[0, 2:18, 2:12], maps[0, 2:18, 25:38] = 160, 220
    maps[1, 5:15, 5:30] = 200
    found = find_proposals("x", maps, (20, 40), PARTS)
    assert found.box_xyxy.tolist() == [[25, 2, 38, 18], [5, 5, 25, 15], [2, 2, 12, 18]]
    assert found.area.tolist() == [13 * 16, 20 * 10, 10 * 16 - 7 * 10]

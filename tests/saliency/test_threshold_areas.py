"""Areas counted once for all thresholds equal the masks of every single one; and how speed is measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from comus_core.config import SaliencySettings
from comus_core.errors import SettingsError
from comus_core.saliency.speed import seconds_an_image
from comus_core.saliency.threshold_areas import THRESHOLDS, areas_by_threshold, with_proposal
from comus_core.saliency.thresholding import masks_from_soft_map


@pytest.mark.parametrize("resize", ["soft", "binary"])
@pytest.mark.parametrize("size_hw", [(37, 53), (12, 9), (20, 24)])
def test_every_area_is_that_of_the_mask_at_its_threshold(resize, size_hw):
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (20, 24)).astype(np.uint8)
    stored[:5] = np.round(255 * np.repeat(THRESHOLDS[:5], 24)).reshape(5, 24)  # at the thresholds themselves
    areas = areas_by_threshold(stored, size_hw, resize)
    for threshold, area in zip(THRESHOLDS, areas, strict=True):
        masks = masks_from_soft_map(stored, size_hw, SaliencySettings(threshold=threshold, resize=resize, min_area=0))
        assert area == sum(int(mask.sum()) for mask in masks)


def test_an_image_has_a_proposal_where_its_mask_has_one():
    rng = np.random.default_rng(1)
    maps = [rng.integers(0, 256, (8, 8)).astype(np.uint8) // rng.integers(1, 4) for _ in range(12)]
    areas = np.array([areas_by_threshold(stored, (30, 40), "soft") for stored in maps])
    for threshold in (0.01, 0.29, 0.5, 0.58, 0.99):
        for min_area in (0, 200, 600):
            settings = SaliencySettings(threshold=threshold, min_area=min_area)
            expected = [bool(masks_from_soft_map(stored, (30, 40), settings)) for stored in maps]
            assert with_proposal(areas, threshold, min_area).tolist() == expected


@pytest.mark.parametrize("threshold", [0, 1, 0.505, -0.1])
def test_thresholds_between_the_counted_ones_are_refused(threshold):
    with pytest.raises(SettingsError, match="whole number of hundredths"):
        with_proposal(np.zeros((1, 99), np.int64), threshold, 0)


@pytest.mark.parametrize(("images", "batches"), [(1, [1]), (5, [2, 2, 1]), (4, [2, 2])])
def test_speed_is_measured_in_batches_after_one_image_to_warm_up(monkeypatch, images, batches):
    seen, clock = [], SimpleNamespace(now=0.0)

    def soft_maps(chosen, ids):
        assert len(chosen) == len(ids)
        seen.append(len(chosen))
        clock.now += 100.0 if len(seen) == 1 else len(chosen) * 0.25
        return [np.zeros((2, 2), np.float32)] * len(chosen)

    monkeypatch.setattr("comus_core.saliency.speed.time.perf_counter", lambda: clock.now)
    detector = SimpleNamespace(batch_size=2, soft_maps=soft_maps)
    assert seconds_an_image(detector, [np.zeros((3, 3, 3), np.uint8)] * images, list("abcdefg")[:images]) == 0.25
    assert seen == [1, *batches]


def test_a_slow_detector_is_measured_on_fewer_images(monkeypatch):
    clock, seen = SimpleNamespace(now=0.0), []

    def soft_maps(chosen, ids):
        clock.now += 6.0 * len(chosen)
        seen.append(len(chosen))
        return list(ids)

    monkeypatch.setattr("comus_core.saliency.speed.time.perf_counter", lambda: clock.now)
    detector = SimpleNamespace(batch_size=1, soft_maps=soft_maps)
    assert seconds_an_image(detector, [None] * 9, list(range(9))) == 6.0 and seen == [1, 1, 1]

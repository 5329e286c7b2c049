"""Which images of a round a package is made and scored with."""

import pytest

from comus_core.export.package import CALIBRATION, _Images, calibration_images, scored_images

IDS = [f"{k:03d}" for k in range(200)]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 12, 63, 64, 65, 200])
def test_the_8_bit_model_is_scored_on_no_image_that_it_was_calibrated_with(n):
    ids = IDS[:n]
    calibrated = calibration_images(ids)
    assert len(calibrated) == min(CALIBRATION, (n + 1) // 2) == len(set(calibrated))
    scored = scored_images(ids, calibrated, 100)
    assert not set(scored) & set(calibrated) and len(scored) == min(100, n - len(calibrated))
    assert scored_images(ids, [], 100)[:1] == ids[:1] and scored_images(ids, calibrated, 0) == []


def test_where_no_mask_can_be_read_the_first_image_is_the_example():
    class Unreadable:
        def read(self, image_id):
            return None

    images = object.__new__(_Images)
    images.masks, images.ids = Unreadable(), IDS[:3]
    assert images.richest() == "000"

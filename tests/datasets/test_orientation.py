"""Masks of photographs that EXIF turns; the oracle is Pillow's own way of turning."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.truth_check import check_truth
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture

ID = "images/a.jpg"
INDICES = np.random.default_rng(0).integers(0, 3, (4, 6), dtype=np.uint8)  # no turn leaves it as it is


def dataset_of(tmp_path, exif_value, mask, width=6, height=4, **settings):
    """A folder with a photograph stored `width` x `height`, turned by EXIF, and its mask."""
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    exif = Image.Exif()
    exif[0x0112] = exif_value
    picture(1, width, height).save(tmp_path / ID, exif=exif)
    Image.fromarray(mask).save(tmp_path / "masks/a.png")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    return open_dataset(str(tmp_path), tmp_path, TruthSettings(**settings))


def turned(mask, orientation):
    image = Image.fromarray(mask)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_the_size_tells_how_a_mask_of_a_photograph_on_its_side_lies(tmp_path, orientation):
    dataset = dataset_of(tmp_path, orientation, INDICES)
    expected = turned(INDICES, orientation)
    assert dataset.truth.has(ID) and not dataset.truth.unclear(ID)
    np.testing.assert_array_equal(dataset.truth.mask(ID), expected)
    assert expected.shape == dataset.read(ID).shape[:2] == (6, 4)
    Image.fromarray(expected).save(tmp_path / "masks/a.png")  # the same mask as a viewer shows it
    np.testing.assert_array_equal(dataset.truth.mask(ID), expected)


@pytest.mark.parametrize("orientation", [2, 3, 4])
@pytest.mark.parametrize("setting", ["upright", "stored"])
def test_a_setting_tells_where_the_size_does_not(tmp_path, orientation, setting):
    dataset = dataset_of(tmp_path, orientation, INDICES, orientation=setting)
    expected = turned(INDICES, orientation) if setting == "stored" else INDICES
    assert dataset.truth.has(ID)
    np.testing.assert_array_equal(dataset.truth.mask(ID), expected)


@pytest.mark.parametrize(("orientation", "width"), [(3, 6), (6, 4)])
def test_where_nothing_tells_the_image_is_not_scored_and_named(tmp_path, orientation, width):
    dataset = dataset_of(tmp_path, orientation, INDICES[:, :width].copy(), width=width)
    assert not dataset.truth.has(ID) and dataset.truth.unclear(ID)
    with pytest.raises(DatasetError, match=r"set truth\.orientation to upright or stored"):
        dataset.truth.mask(ID)
    report = dataset.truth_report.with_masks(check_truth(dataset, [ID]))
    assert (report.labelled, report.turned, report.unclear.first) == (0, 1, (ID,))


@pytest.mark.parametrize(("setting", "shape"), [("auto", (5, 6)), ("upright", (4, 6)), ("stored", (6, 4))])
def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path, setting, shape):
    dataset = dataset_of(tmp_path, 6, np.zeros(shape, np.uint8), orientation=setting)
    with pytest.raises(DatasetError, match=rf"{shape[1]} x {shape[0]} pixels, but .* is 4 x 6 .*6 x 4"):
        dataset.truth.mask(ID)


def test_an_upright_photograph_needs_no_setting(tmp_path):
    dataset = dataset_of(tmp_path, 1, INDICES)
    np.testing.assert_array_equal(dataset.truth.mask(ID), INDICES)
    report = dataset.truth_report.with_masks(check_truth(dataset, [ID]))
    assert (report.labelled, report.turned, report.unclear.count) == (1, 0, 0)

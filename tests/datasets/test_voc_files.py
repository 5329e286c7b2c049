"""Images and masks of a VOC folder are found, left out and counted by the rules of any other folder."""

import os

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.dataset import open_dataset, summarise
from comus_core.datasets.records import IgnoredFiles, SkippedFile
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture
from tests.datasets.test_voc_layouts import MASK, ids_of, write


def opened(root):
    return open_dataset(f"voc:{root}:train", root)


def test_a_mask_whose_suffix_is_in_capitals_is_used(tmp_path):
    root = write(tmp_path)
    Image.fromarray(MASK).save(root / "SegmentationClass/b.PNG")
    dataset = opened(root)
    assert dataset.truth_report.labelled == 2 and dataset.truth_report.images_without_mask.count == 0
    np.testing.assert_array_equal(dataset.truth.mask("b"), MASK)


@pytest.mark.parametrize("mask", ["b.jpg.png", "B.png"])
def test_a_mask_may_be_named_as_in_any_folder_of_masks(tmp_path, mask):
    root = write(tmp_path)
    Image.fromarray(MASK).save(root / "SegmentationClass" / mask)
    assert opened(root).truth.files() == tuple(sorted(root / "SegmentationClass" / name for name in ("a.png", mask)))


def test_two_masks_of_one_image_are_refused_by_name(tmp_path):
    root = write(tmp_path)
    Image.fromarray(MASK).save(root / "SegmentationClass/a.jpg.png")
    with pytest.raises(DatasetError, match=r"the image a\.jpg has 2 masks \(a\.jpg\.png, a\.png\): keep one"):
        opened(root)


def test_files_among_the_masks_that_are_no_png_are_counted(tmp_path):
    root = write(tmp_path)
    Image.fromarray(MASK).save(root / "SegmentationClass/b.tif")
    (root / "SegmentationClassAug").mkdir()
    Image.fromarray(MASK).save(root / "SegmentationClassAug/b.bmp")
    Image.fromarray(MASK).save(root / "SegmentationClassAug/none.PNG")
    report = opened(root).truth_report
    assert report.masks_not_png.first == ("SegmentationClass/b.tif", "SegmentationClassAug/b.bmp")
    assert report.masks_without_image.first == ("SegmentationClassAug/none.PNG",)
    assert "2 files in masks are not PNGs (SegmentationClass/b.tif, SegmentationClassAug/b.bmp)" in report.line


def test_where_no_mask_is_a_png_the_line_says_what_they_are(tmp_path):
    root = write(tmp_path)
    os.rename(root / "SegmentationClass/a.png", root / "SegmentationClass/a.gif")
    dataset = opened(root)
    assert dataset.truth is None and dataset.truth_report.line == (
        "no ground truth: no image of train.txt has a mask (PNG) in SegmentationClass or "
        "SegmentationClassAug or SegmentationClassPNG; 1 file in masks is not a PNG (SegmentationClass/a.gif)"
    )


def test_an_image_without_a_suffix_is_known_by_its_first_bytes(tmp_path):
    root = write(tmp_path, lines=["a", "x", "scan.v1"])
    picture(4, 8, 5).save(root / "JPEGImages/x", "JPEG")
    picture(5, 8, 5).save(root / "JPEGImages/scan.v1", "PNG")
    for name in ("x", "scan.v1"):
        Image.fromarray(MASK).save(root / f"SegmentationClass/{name}.png")
    dataset = opened(root)
    assert ids_of(dataset) == ["a", "scan.v1", "x"] and dataset.skipped == ()
    assert [file.path.name for file in dataset.files] == ["a.jpg", "scan.v1", "x"]
    assert dataset.truth_report.labelled == 3
    np.testing.assert_array_equal(dataset.truth.mask("x"), MASK)


def test_what_lies_beside_the_images_is_counted(tmp_path):
    root = write(tmp_path)
    (root / "JPEGImages/notes.txt").write_text("by hand")
    picture(6, 8, 5).save(root / "JPEGImages/.hidden.jpg")
    ignored = (
        IgnoredFiles("hidden", 1, ("JPEGImages/.hidden.jpg",)),
        IgnoredFiles("not images", 1, ()),
    )
    assert opened(root).ignored == summarise(f"voc:{root}:train").ignored == ignored


def test_a_listed_image_that_cannot_be_used_keeps_its_own_reason(tmp_path):
    root = write(tmp_path, lines=["a", "b", "lost", "gone"])
    (root / "JPEGImages/lost.jpg").symlink_to("nowhere.jpg")
    (root / "JPEGImages/unlisted.jpg").symlink_to("nowhere.jpg")
    assert opened(root).skipped == (
        SkippedFile("JPEGImages/lost.jpg", "a link to a file that does not exist"),
        SkippedFile("JPEGImages/gone.jpg", "listed in ImageSets/Segmentation/train.txt, but the file does not exist"),
    )

"""A tool's folder given as one of photographs: its masks are never taken for photographs without a word."""

import pytest

from comus_core.datasets.dataset import summarise
from comus_core.errors import DatasetError
from tests.datasets.test_tools_layouts import MASK, labelme, opened, photo, supervisely_voc, write


def fiftyone(root):
    photo(root / "data/a.jpg")
    write(root / "labels/a.png", MASK)


def supervisely(root):
    photo(root / "first/img/a.jpg")
    write(root / "first/ann/a.jpg.json", {})
    write(root / "meta.json", {})
    write(root / "first/masks_machine/a.png", MASK)


def roboflow(root):
    photo(root / "train/a.jpg")
    write(root / "train/a_mask.png", MASK)
    write(root / "train/_classes.csv", "Pixel Value, Class\n0, background\n1, cat\n")


@pytest.mark.parametrize(
    ("layout", "words", "alone"),
    [
        (lambda root: labelme(root, old=True), r"with masks in SegmentationClass; use voc:.*:SPLIT", "JPEGImages"),
        (supervisely_voc, r"is in VOC's layout.*use voc:.*:SPLIT", "JPEGImages"),
        (
            fiftyone,
            r"FiftyOne's layout, with masks in labels; to read both, rename data to images and",
            "data",
        ),
        (
            supervisely,
            r"is in Supervisely's layout, with masks in masks_machine; to read both, export",
            "first/img",
        ),
        (
            roboflow,
            r"train has Roboflow's masks \(\*_mask\.png\) among its images; to read both, export it",
            None,
        ),
    ],
)
def test_it_is_refused_with_the_ways_to_read_it(tmp_path, layout, words, alone):
    root = tmp_path / "given"
    layout(root)
    for look in (opened, summarise):
        with pytest.raises(DatasetError, match=words):
            look(str(root))
    if alone is not None:
        assert {file.path.suffix for file in opened(str(root / alone)).files} == {".jpg"}


def test_what_is_done_as_told_is_read_with_its_masks(tmp_path):
    fiftyone(tmp_path / "set")
    (tmp_path / "set/data").rename(tmp_path / "set/images")
    (tmp_path / "set/labels").rename(tmp_path / "set/masks")
    write(tmp_path / "set/classes.txt", "cat\ndog\n")
    dataset = opened(str(tmp_path / "set"))
    assert dataset.truth.classes == ("background", "cat", "dog")
    assert (dataset.truth.mask("images/a.jpg") == MASK).all()


@pytest.mark.parametrize("name", ["data/labels/a.txt", "JPEGImages/a.txt", "img/a.txt"])
def test_folders_that_only_bear_such_a_name_are_folders(tmp_path, name):
    write(tmp_path / name, "")
    photo(tmp_path / "data/a.jpg")
    assert len(opened(str(tmp_path)).files) == 1

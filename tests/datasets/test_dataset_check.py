"""A data set checked: files, published counts, classes; half-unpacked ones."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from comus_core.cli.main import cli
from comus_core.datasets.dataset_check import check_dataset
from comus_core.datasets.index_masks import voc_colours
from comus_core.errors import DatasetError


@pytest.fixture
def voc(tmp_path) -> Path:
    """VOC2012 with two images, one mask, and a third image that is listed and not there."""
    root = tmp_path / "VOCdevkit/VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (6, 4)).save(root / f"JPEGImages/{name}.jpg")
    mask = np.zeros((4, 6), np.uint8)
    mask[0], mask[1, :2] = 15, 255
    Image.fromarray(mask).save(root / "SegmentationClass/a.png")
    (root / "ImageSets/Segmentation/val.txt").write_text("a\nb\nc\n")
    return root


def test_missing_files_published_counts_and_classes_are_told(voc, tmp_path):
    official = tmp_path / "official.txt"
    official.write_text("a\nb\nc\nd\n")
    found = check_dataset(f"voc:{voc}:val", tmp_path, official)
    assert (found.images, found.official, found.labelled, found.complete) == (2, 1449, 1, False)
    assert (found.missing, found.without_mask, found.unlisted) == (("JPEGImages/c.jpg",), ("b",), ("c", "d"))
    counts = {one.name: (one.images, one.pixels) for one in found.classes if one.pixels}
    assert counts == {"background": (1, 16), "person": (1, 6)} and found.ignored_pixels == 2
    said = "\n".join(found.lines())
    assert "2 images of 1,449 in the published split, 1 with ground truth" in said
    assert "listed, but missing or unreadable: 1, such as JPEGImages/c.jpg" in said
    assert "classes in no image: aeroplane" in said


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("SegmentationClass", "no SegmentationClass .the masks."),
        ("JPEGImages", "no JPEGImages .the images."),
        ("ImageSets", "no ImageSets/Segmentation .the lists"),
    ],
)
def test_half_of_a_voc_says_which_half_is_missing(voc, tmp_path, gone, words):
    (voc / gone).rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=f"is only half of PASCAL VOC: there is {words}"):
        check_dataset(f"voc:{voc.parent.parent}:val", tmp_path)


def test_a_folder_of_masks_in_the_colours_of_voc_is_counted_by_class(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "own" / folder).mkdir(parents=True)
    colour = {index: value for value, index in voc_colours().items()}
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:2], pixels[3] = colour[3], (224, 224, 192)
    Image.new("RGB", (6, 4)).save(tmp_path / "own/images/x.png")
    Image.fromarray(pixels).save(tmp_path / "own/masks/x.png")
    found = check_dataset(str(tmp_path / "own"), tmp_path)
    assert found.official is None and found.complete
    assert [(one.images, one.pixels) for one in found.classes] == [(1, 6), (1, 12)] and found.ignored_pixels == 6


def test_the_command_writes_what_python_finds(voc, tmp_path):
    file = tmp_path / "check.json"
    words = ["datasets", "check", f"voc:{voc}:val", "--json", str(file), "--workspace", str(tmp_path / "w")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert json.loads(file.read_text()) == json.loads(json.dumps(check_dataset(f"voc:{voc}:val", tmp_path).to_json()))
    assert "person" in done.output


@pytest.mark.real
def test_real_photographs_are_725_of_the_published_ones(tmp_path):
    root = Path(os.environ["COMUS_DATA"]) / "VOCdevkit/VOC2012"
    found = check_dataset(f"voc:{root}:trainval", tmp_path, histogram=False)
    assert (found.images, found.official, found.labelled) == (725, 2913, 725) and not found.complete

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture

VOID = 255


@pytest.fixture
def voc(tmp_path) -> Path:
    """The folder that contains VOCdevkit: three images, one with a mask, one with a mask of the augmented set only."""
    root = tmp_path / "weird: name/VOCdevkit/VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationClassAug", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for stem in ("2007_000032", "2007_000033", "2011_000001"):
        picture(1, 8, 5).save(root / f"JPEGImages/{stem}.jpg")
    mask = np.zeros((5, 8), np.uint8)
    mask[1:3, 2:5], mask[4] = 20, VOID
    Image.fromarray(mask).convert("P").save(root / "SegmentationClass/2007_000032.png")
    Image.fromarray(np.full((5, 8), 3, np.uint8)).save(root / "SegmentationClassAug/2007_000033.png")
    Image.fromarray(np.full((5, 8), 9, np.uint8)).save(root / "SegmentationClassAug/2007_000032.png")
    lists = root / "ImageSets/Segmentation"
    (lists / "train.txt").write_text("2007_000033\n2007_000032\n\n")
    (lists / "gaps.txt").write_text("2007_000032\n2099_000001\n")
    (lists / "test.txt").write_text("2011_000001\n")
    (lists / "lost.txt").write_text("2099_000001\n")
    (lists / "paths.txt").write_text("/JPEGImages/2007_000032.jpg /SegmentationClassAug/2007_000032.png\n")
    return root.parent.parent


@pytest.mark.parametrize("inner", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_root_may_be_any_of_three_folders_and_hold_a_colon(voc, inner):
    dataset = open_dataset(f"voc:{voc / inner}:train", voc / "unused")
    assert [file.image_id for file in dataset.files] == ["2007_000032", "2007_000033"]
    assert dataset.files[0].relative == "JPEGImages/2007_000032.jpg" and dataset.name == "voc-train"
    assert dataset.root == voc / "VOCdevkit/VOC2012"


def test_the_21_classes_come_with_255_ignored(voc):
    truth = open_dataset(f"voc:{voc}:train", voc).truth
    assert len(truth.classes) == 21 and truth.ignore == VOID
    assert (truth.classes[0], truth.classes[1], truth.classes[15], truth.classes[20]) == (
        *("background", "aeroplane", "person", "tvmonitor"),
    )
    mask = truth.mask("2007_000032")
    assert {int(v): int((mask == v).sum()) for v in np.unique(mask)} == {0: 26, 20: 6, VOID: 8}


def test_a_mask_of_the_augmented_set_serves_only_where_there_is_no_other(voc):
    truth = open_dataset(f"voc:{voc}:train", voc).truth
    assert (truth.mask("2007_000033") == 3).all()
    names = [path.parent.name + "/" + path.name for path in truth.files()]
    assert names == ["SegmentationClass/2007_000032.png", "SegmentationClassAug/2007_000033.png"]


def test_a_split_without_masks_has_no_ground_truth(voc):
    assert open_dataset(f"voc:{voc}:test", voc).truth is None


def test_a_list_of_paths_serves_as_a_split(voc):
    assert [file.image_id for file in open_dataset(f"voc:{voc}:paths", voc).files] == ["2007_000032"]


def test_listed_images_that_do_not_exist_are_set_aside(voc):
    dataset = open_dataset(f"voc:{voc}:gaps", voc)
    assert [file.image_id for file in dataset.files] == ["2007_000032"]
    (lost,) = dataset.skipped
    assert lost.path == "JPEGImages/2099_000001.jpg"
    assert lost.reason == "listed in ImageSets/Segmentation/gaps.txt, but the file does not exist"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("voc:{root}:trainaug", "no split 'trainaug'.*choose one of gaps, lost, paths, test, train"),
        ("voc:{root}:lost", "none of its 1 images"),
        ("voc:{root}/nowhere:train", "no such folder"),
        ("voc:{root}/VOCdevkit/VOC2012/JPEGImages:train", "neither VOC2012, VOCdevkit nor"),
        ("voc:train", "write voc:ROOT:SPLIT"),
    ],
)
def test_a_voc_string_that_cannot_serve_says_why(voc, spec, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(spec.format(root=voc), voc)


def test_an_id_beyond_the_21_classes_is_refused(voc):
    path = voc / "VOCdevkit/VOC2012/SegmentationClass/2007_000032.png"
    Image.fromarray(np.full((5, 8), 21, np.uint8)).save(path)
    with pytest.raises(DatasetError, match=r"2007_000032\.png: contains the class ids 21"):
        open_dataset(f"voc:{voc}:train", voc).truth.mask("2007_000032")


@pytest.mark.real
def test_the_real_voc_split_is_whole(photographs):
    dataset = open_dataset(f"voc:{photographs}:trainval", photographs)
    parts = [{f.image_id for f in open_dataset(f"voc:{photographs}:{s}", photographs).files} for s in ("train", "val")]
    assert len(dataset.files) == 725 and [len(part) for part in parts] == [500, 225] and not parts[0] & parts[1]
    for image_id in list(parts[0])[:5]:
        raw = Image.open(dataset.root / "SegmentationClass" / f"{image_id}.png")
        np.testing.assert_array_equal(dataset.truth.mask(image_id), np.asarray(raw))
        assert dataset.read(image_id).shape[:2] == dataset.truth.mask(image_id).shape

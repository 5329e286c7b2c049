"""The quick look must agree with the data set opened in full."""

import json
from dataclasses import replace

import pytest
from PIL import Image

from comus_core.datasets.dataset import open_dataset, splits
from comus_core.datasets.dataset import summarise as summarise_with_sizes
from comus_core.datasets.demo.scenes import draw_demo
from comus_core.datasets.format import DatasetSummary
from comus_core.datasets.ignored_files import not_images
from comus_core.errors import DatasetError
from tests.builders import draw_folder


@pytest.fixture
def voc(tmp_path):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for stem in ("a", "b", "c"):
        (root / "JPEGImages" / f"{stem}.jpg").touch()
        (root / "SegmentationClass" / f"{stem}.png").touch()
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("a\nb\n")
    (root / "ImageSets" / "Segmentation" / "val.txt").write_text("c\n")
    return tmp_path


@pytest.fixture
def coco(tmp_path):
    (tmp_path / "val").mkdir()
    (tmp_path / "annotations").mkdir()
    entries = [{"id": n, "file_name": f"{n}.jpg", "height": 4, "width": 4} for n in (1, 2)]
    for entry in entries:
        (tmp_path / "val" / entry["file_name"]).touch()
    content = {"images": entries, "categories": [{"id": 3, "name": "dog"}]}
    content["annotations"] = [{"id": 1, "image_id": 1, "category_id": 3, "segmentation": [[0, 0, 2, 0, 2, 2]]}]
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    return tmp_path


def summarise(spec):
    """All but the size of the largest image, which a test of its own is about."""
    return replace(summarise_with_sizes(spec), largest=0)


def agrees(spec, seen, drawings) -> bool:
    opened = open_dataset(spec, drawings)
    classes = len(opened.truth.classes) - 1 if opened.truth else None
    return (seen.images, seen.labelled, seen.synthetic) == (
        len(opened.files),
        opened.truth is not None,
        opened.synthetic,
    ) and seen.classes in (classes, None)


def test_a_folder_is_counted_with_and_without_ground_truth(tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=5, empty=1)
    assert summarise(str(folder)) == DatasetSummary(5, True, 3)
    assert agrees(str(folder), summarise(str(folder)), tmp_path)
    assert summarise(str(folder / "images")) == DatasetSummary(5, False)


def test_the_largest_image_and_what_is_no_image_are_told(tmp_path):
    for name, size in (("a.png", (30, 20)), ("b.png", (70, 40)), ("c.png", (10, 90))):
        Image.effect_noise(size, 80).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("none")
    seen = summarise_with_sizes(str(tmp_path))
    assert (seen.images, seen.largest, seen.ignored) == (3, 70 * 40, not_images(1))


def test_ground_truth_without_a_list_of_classes_leaves_their_number_open(tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=5, empty=1)
    (folder / "classes.txt").unlink()
    assert summarise(str(folder)) == DatasetSummary(5, True, None)


def test_voc_and_coco_tell_their_splits_and_sizes(voc, coco, tmp_path):
    assert splits("voc", str(voc)) == ("train", "val")
    assert splits("coco", str(coco)) == ("val",)
    for spec in (f"voc:{voc}:train", f"voc:{voc / 'VOCdevkit' / 'VOC2012'}:val", f"coco:{coco}:val"):
        assert agrees(spec, summarise(spec), tmp_path)
    assert summarise(f"voc:{voc}:train") == DatasetSummary(2, True, 20)
    assert summarise(f"coco:{coco}:val") == DatasetSummary(2, True, None)


def test_the_demo_is_known_without_being_drawn(tmp_path):
    draw_demo(tmp_path, n_scenes=1)
    classes = (tmp_path / "demo-v1" / "classes.txt").read_text().split("\n")[1:-1]
    assert summarise("demo") == DatasetSummary(240, True, len(classes), True)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("{0}/nowhere", "no such folder"),
        ("{0}/empty", "no images in"),
        ("voc:{0}/empty:train", "is neither VOC2012"),
        ("voc:{0}:test", "no split 'test' .* train, val"),
        ("coco:{0}/empty:val", "no folder .*annotations"),
        ("coco:{0}:test", "choose one of val"),
    ],
)
def test_what_is_no_data_set_is_a_sentence(voc, coco, tmp_path, spec, says):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=says):
        summarise(spec.format(tmp_path))


def test_a_folder_without_splits_is_a_sentence(tmp_path):
    for kind in ("voc", "coco"):
        with pytest.raises(DatasetError):
            splits(kind, str(tmp_path))
    (tmp_path / "annotations").mkdir()
    with pytest.raises(DatasetError, match=r"no instances_SPLIT\.json"):
        splits("coco", str(tmp_path))

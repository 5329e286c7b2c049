"""Exports of annotation tools as they are unpacked: read whole, or refused with the folder and what to do."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.config import TruthSettings
from comus_core.datasets.class_lists import CLASS_FILES, read_classes
from comus_core.datasets.dataset import open_dataset, splits, summarise
from comus_core.datasets.truth_report import TruthReport
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture
from tests.datasets.test_coco_oddities import CAT, DOG, content

MASK = CAT + DOG * (CAT == 0)  # 0, 1 and 2
IGNORED = MASK.copy()
IGNORED[0, 0] = 255
RED, GREEN, VOID = (255, 0, 0), (81, 198, 170), (224, 224, 192)


def photo(path: Path, number: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(number, MASK.shape[1], MASK.shape[0]).save(path)


def write(path: Path, what) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(what, np.ndarray):
        Image.fromarray(what).save(path)
    else:
        path.write_text(what if isinstance(what, str) else json.dumps(what))
    return path


def opened(spec: str, **settings):
    return open_dataset(spec, Path("/nowhere"), TruthSettings(**settings))


def labelme(root: Path, *, old: bool) -> Path:
    """What labelme2voc leaves: indices of VOC's palette, -1 (`__ignore__`) written as 255; no lists of images."""
    for number, name in enumerate("ab"):
        photo(root / f"JPEGImages/{name}.jpg", number)
        photo(root / f"SegmentationClassVisualization/{name}.jpg", number)
        write(root / ("SegmentationClassPNG" if old else "SegmentationClass") / f"{name}.png", IGNORED)
        npy = root / ("SegmentationClass" if old else "SegmentationClassNpy") / f"{name}.npy"
        npy.parent.mkdir(exist_ok=True)
        np.save(npy, np.where(IGNORED == 255, -1, IGNORED.astype(np.int32)))
    write(root / "class_names.txt", "_background_\ncat\ndog")
    return root


@pytest.mark.parametrize("old", [True, False])
def test_labelmes_folder_without_lists_is_one_split(tmp_path, old):
    root = labelme(tmp_path / "voc", old=old)
    assert splits("voc", str(root)) == ("all",)
    dataset = opened(f"voc:{root}:all")
    assert [file.image_id for file in dataset.files] == ["a", "b"] and dataset.skipped == ()
    assert dataset.truth.classes == ("background", "cat", "dog") and dataset.truth.ignore == 255
    for name in "ab":
        np.testing.assert_array_equal(dataset.truth.mask(name), IGNORED)
    found = summarise(f"voc:{root}:all")
    assert (found.images, found.labelled, found.classes) == (2, True, 2)


def test_its_masks_without_image_are_counted_and_its_own_list_with_ignore_is_understood(tmp_path):
    root = labelme(tmp_path / "voc", old=True)
    write(root / "SegmentationClassPNG/stray.png", MASK)
    write(root / "class_names.txt", "__ignore__\n_background_\ncat\ndog\n")
    dataset = opened(f"voc:{root}:all")
    assert isinstance(dataset.truth_report, TruthReport)
    assert dataset.truth_report.masks_without_image.first == ("SegmentationClassPNG/stray.png",)
    assert dataset.truth.classes == ("background", "cat", "dog")
    np.testing.assert_array_equal(dataset.truth.mask("b"), IGNORED)


def test_another_split_of_a_folder_without_lists_is_refused_with_the_one_there_is(tmp_path):
    root = labelme(tmp_path / "voc", old=False)
    with pytest.raises(DatasetError, match=r"no split 'train' in .*voc, which has no lists of images: .* all"):
        opened(f"voc:{root}:train")
    for image in (root / "JPEGImages").iterdir():
        image.unlink()
    with pytest.raises(DatasetError, match=r"no images in .*JPEGImages"):
        opened(f"voc:{root}:all")


def test_cvats_folders_of_tasks_are_kept_below_the_folders_of_voc(tmp_path):
    for number, task in enumerate(("day", "night")):
        photo(tmp_path / f"JPEGImages/{task}/1.jpg", number)
        write(tmp_path / f"SegmentationClass/{task}/1.png", MASK if task == "day" else CAT)
    write(tmp_path / "SegmentationClass/dusk/1.png", MASK)
    write(tmp_path / "ImageSets/Segmentation/default.txt", "day/1\nnight/1\n")
    write(tmp_path / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:9,9,9::\ndog:7,0,0::\n")
    dataset = opened(f"voc:{tmp_path}:default")
    assert [file.image_id for file in dataset.files] == ["day/1", "night/1"]
    np.testing.assert_array_equal(dataset.truth.mask("day/1"), MASK)
    np.testing.assert_array_equal(dataset.truth.mask("night/1"), CAT)
    assert dataset.truth_report.masks_without_image.first == ("SegmentationClass/dusk/1.png",)


def test_cvats_export_without_images_says_where_to_put_them(tmp_path):
    write(tmp_path / "SegmentationClass/a.png", MASK)
    write(tmp_path / "ImageSets/Segmentation/default.txt", "a\n")
    with pytest.raises(DatasetError, match=r"has no folder JPEGImages; copy the images there \(CVAT"):
        opened(f"voc:{tmp_path}:default")


def supervisely_voc(root: Path) -> Path:
    """Supervisely draws colours and lets Pillow choose a palette, so that the stored indices mean nothing."""
    colours = np.zeros((256, 3), np.uint8)
    colours[1], colours[2], colours[255] = RED, GREEN, VOID
    photo(root / "JPEGImages/a.jpg")
    path = write(root / "SegmentationClass/a.png", colours[IGNORED])
    Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE).save(path)
    assert not np.array_equal(np.array(Image.open(path)), IGNORED)
    write(root / "ImageSets/Segmentation/train.txt", "a\n")
    lines = [("neutral", VOID), ("big cat", RED), ("dog", GREEN)]
    write(root / "colors.txt", "".join(f"{name} {r} {g} {b}\n" for name, (r, g, b) in lines))
    return root


def test_superviselys_palettes_are_read_by_its_colours(tmp_path):
    dataset = opened(f"voc:{supervisely_voc(tmp_path)}:train")
    assert dataset.truth.classes == ("background", "big cat", "dog")
    np.testing.assert_array_equal(dataset.truth.mask("a"), IGNORED)
    assert "colors.txt" in CLASS_FILES and tmp_path / "colors.txt" in dataset.truth.files()


def test_a_colour_that_stands_for_nothing_or_a_line_that_is_none_is_refused(tmp_path):
    root = supervisely_voc(tmp_path)
    write(root / "colors.txt", "dog 81 198\n")
    with pytest.raises(DatasetError, match=r"colors\.txt: the line 'dog 81 198' is not a name followed by red, green"):
        opened(f"voc:{root}:train")
    assert read_classes(write(tmp_path / "x" / "colors.txt", "a 1 2 3\nb 4 5 6\n")).colours == {
        (0, 0, 0): 0,
        (1, 2, 3): 1,
        (4, 5, 6): 2,
    }


@pytest.mark.parametrize(
    ("annotations", "folder", "split", "prefix"),
    [
        ("labels.json", "data", "labels", ""),  # FiftyOne's COCODetectionDataset
        ("result_coco.json", "images", "result_coco", "../../label-studio/data/media/upload/1/"),  # Label Studio's
        ("annotations/instances.json", "images", "instances", ""),  # Supervisely's
    ],
)
def test_coco_of_more_tools_is_found(tmp_path, annotations, folder, split, prefix):
    def renamed(whole):
        for image in whole["images"]:
            image["file_name"] = prefix + image["file_name"]

    for number, name in enumerate(("a.jpg", "b.jpg")):
        photo(tmp_path / folder / name, number)
    write(tmp_path / annotations, content(renamed))
    assert splits("coco", str(tmp_path)) == (split,)
    dataset = opened(f"coco:{tmp_path}:{split}")
    assert [file.path.name for file in dataset.files] == ["a.jpg", "b.jpg"] and dataset.skipped == ()
    for file, mask in zip(dataset.files, (CAT, DOG), strict=True):
        np.testing.assert_array_equal(dataset.truth.mask(file.image_id), mask)


def test_a_project_of_several_data_sets_names_those_that_can_be_given(tmp_path):
    write(tmp_path / "one/annotations/instances.json", content())
    with pytest.raises(DatasetError, match=rf"ROOT must contain annotations/.* did you mean {tmp_path}/one"):
        opened(f"coco:{tmp_path}:train")

"""COCO as annotation tools write it: every oddity is read right, or refused by name with what to do."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.truth_check import check_truth
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture
from tests.datasets.test_coco import box_polygon, run_lengths

H, W = 8, 10
CAT = np.zeros((H, W), np.uint8)
CAT[1:6, 1:5] = 1
DOG = np.zeros((H, W), np.uint8)
DOG[2:7, 3:9] = 2
CONTENT = {
    "images": [
        {"id": 1, "file_name": "a.jpg", "height": H, "width": W},
        {"id": 2, "file_name": "b.jpg", "height": H, "width": W},
    ],
    "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    "annotations": [
        {"id": 7, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 5], "segmentation": [box_polygon(1, 1, 5, 6)]},
        {"id": 8, "image_id": 2, "category_id": 2, "bbox": [3, 2, 6, 5], "segmentation": [box_polygon(3, 2, 9, 7)]},
    ],
}


def content(change=lambda c: None) -> dict:
    whole = copy.deepcopy(CONTENT)
    change(whole)
    return whole


def write(root: Path, whole: dict, annotations="annotations/instances_val.json", folder="val") -> Path:
    (root / folder).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(("a.jpg", "b.jpg")):
        picture(number, W, H).save(root / folder / name)
    (root / annotations).parent.mkdir(parents=True, exist_ok=True)
    (root / annotations).write_text(json.dumps(whole))
    return root


def opened(root: Path, split="val", **settings):
    return open_dataset(f"coco:{root}:{split}", root, TruthSettings(**settings))


def masks_of(dataset) -> list[np.ndarray]:
    return [dataset.truth.mask(file.image_id) for file in dataset.files]


def assert_whole(dataset):
    assert [file.path.name for file in dataset.files] == ["a.jpg", "b.jpg"] and dataset.skipped == ()
    assert dataset.truth.classes == ("background", "cat", "dog")
    for found, expected in zip(masks_of(dataset), (CAT, DOG), strict=True):
        np.testing.assert_array_equal(found, expected)


def each(name, change):
    def apply(whole):
        for entry in whole[name]:
            change(entry)

    return apply


def renamed(form):
    return each("images", lambda entry: entry.update(file_name=form(entry["file_name"])))


# Files


@pytest.mark.parametrize(
    "form",
    [
        lambda name: f"val/{name}",
        lambda name: f"val\\{name}",
        lambda name: f".\\val\\{name}",
        lambda name: f"/home/someone/project/val/{name}",
        lambda name: f"C:\\Users\\someone\\val\\{name}",
        lambda name: f"../../media/{name}",
        lambda name: f"http://localhost:8080/data/upload/1/{name}",
        lambda name: f"/data/local-files/?d=project%2Fval%2F{name}",
        lambda name: name.upper(),
    ],
)
def test_names_written_on_another_machine_find_their_files(tmp_path, form):
    assert_whole(opened(write(tmp_path, content(renamed(form)))))


def test_an_absolute_name_counts_only_by_its_end(tmp_path):
    """Nothing outside of the data set is read, whatever its annotations say."""
    outside = tmp_path / "outside"
    outside.mkdir()
    picture(9, W, H).save(outside / "a.jpg")
    root = write(tmp_path / "set", content(renamed(lambda name: str(outside / name))))
    assert_whole(opened(root))
    (root / "val/a.jpg").unlink()
    dataset = opened(root)
    assert [file.path.name for file in dataset.files] == ["b.jpg"] and len(dataset.skipped) == 1


def test_an_end_that_several_files_share_is_refused_by_name(tmp_path):
    root = write(tmp_path, content(renamed(lambda name: f"/elsewhere/{name}")))
    (root / "val/a.jpg").rename(root / "val/keep.jpg")
    for folder in ("one", "two"):
        (root / "val" / folder).mkdir()
        picture(1, W, H).save(root / "val" / folder / "a.jpg")
    with pytest.raises(
        DatasetError, match=r"'elsewhere/a\.jpg' is ambiguous: val/one/a\.jpg or val/two/a\.jpg; set file_name"
    ):
        opened(root)


def test_an_image_is_not_looked_for_among_those_of_another_split(tmp_path):
    root = write(tmp_path, content(), "annotations/instances_train.json", "train")
    write(tmp_path, content())
    (root / "val/a.jpg").unlink()
    assert [s.path for s in opened(root).skipped] == ["val/a.jpg"]


@pytest.mark.parametrize(
    ("annotations", "folder", "split", "form"),
    [
        ("train/_annotations.coco.json", "train", "train", str),  # Roboflow
        ("annotations/instances_default.json", "images", "default", str),  # CVAT
        ("annotations/instances_default.json", "images/default", "default", str),
        ("annotations/instances_default.json", "images/default/shelf", "default", lambda name: f"shelf/{name}"),
        ("result.json", "images", "result", lambda name: f"images/{name}"),  # Label Studio
        ("result.json", "images", "result", lambda name: f"images\\{name}"),
        ("annotations/val.json", "images/val", "val", str),
        ("annotations/instances_val.json", ".", "val", str),
    ],
)
def test_the_layouts_of_common_tools_are_found(tmp_path, annotations, folder, split, form):
    assert_whole(opened(write(tmp_path, content(renamed(form)), annotations, folder), split))


def test_a_folder_of_one_roboflow_split_may_be_given_itself(tmp_path):
    root = write(tmp_path / "train", content(), "_annotations.coco.json", ".")
    assert_whole(opened(root, "train"))


def test_another_split_is_refused_with_those_there_are(tmp_path):
    root = write(tmp_path, content(), "train/_annotations.coco.json", "train")
    with pytest.raises(DatasetError, match=r"no split 'val'.*one of train \(train/_annotations\.coco\.json\)"):
        opened(root)


def test_two_files_for_one_split_are_refused_by_name(tmp_path):
    root = write(tmp_path, content())
    write(tmp_path, content(), "val/_annotations.coco.json")
    with pytest.raises(DatasetError, match=r"'val' has the annotations .*instances_val\.json and val/_annotations"):
        opened(root)


# Ids and sizes


@pytest.mark.parametrize("form", ["img_{}", "{:024x}", "{}"])
def test_ids_may_be_text(tmp_path, form):
    def change(whole):
        each("images", lambda entry: entry.update(id=form.format(entry["id"])))(whole)
        each("annotations", lambda entry: entry.update(image_id=form.format(entry["image_id"])))(whole)

    dataset = opened(write(tmp_path, content(change)))
    assert_whole(dataset)
    assert dataset.files[0].image_id == form.format(1)


def test_long_hexadecimal_ids_are_told_apart_by_their_letters(tmp_path):
    names = {1: "65f0c0ffee", 2: "65f0c0ffe1"}

    def change(whole):
        each("images", lambda entry: entry.update(id=names[entry["id"]]))(whole)
        each("annotations", lambda entry: entry.update(image_id=names[entry["image_id"]]))(whole)

    dataset = opened(write(tmp_path, content(change)))
    np.testing.assert_array_equal(dataset.truth.mask("65f0c0ffee"), CAT)
    np.testing.assert_array_equal(dataset.truth.mask("65f0c0ffe1"), DOG)


@pytest.mark.parametrize(
    "change", [lambda e: (e.pop("width"), e.pop("height")), lambda e: e.update(width=0, height=None)]
)
def test_missing_sizes_are_those_of_the_images(tmp_path, change):
    assert_whole(opened(write(tmp_path, content(each("images", change)))))


# Outlines and boxes


def test_a_flat_polygon_and_run_lengths_are_outlines(tmp_path):
    def change(whole):
        whole["annotations"][0]["segmentation"] = whole["annotations"][0]["segmentation"][0]
        whole["annotations"][1]["segmentation"] = run_lengths(DOG // 2)

    assert_whole(opened(write(tmp_path, content(change))))


@pytest.mark.parametrize(
    "change",
    [lambda e: e.pop("segmentation"), lambda e: e.update(segmentation=[]), lambda e: e.update(segmentation=None)],
)
def test_boxes_alone_are_no_background_but_a_choice(tmp_path, change):
    root = write(tmp_path, content(each("annotations", change)))
    with pytest.raises(DatasetError, match=r"its 2 annotations have only boxes.*truth\.boxes to box .*truth\.read"):
        opened(root)
    assert_whole(opened(root, boxes="box"))  # the outlines are boxes here
    ignored = opened(root, boxes="ignore")
    assert ignored.truth.ignore == 255
    for found, expected in zip(masks_of(ignored), (CAT, DOG), strict=True):
        np.testing.assert_array_equal(found, np.where(expected > 0, 255, 0))
    assert opened(root, read=False).truth is None


def test_one_box_among_outlines_is_ignored_where_no_outline_lies_and_counted(tmp_path):
    box = {"id": 9, "image_id": 1, "category_id": 2, "bbox": [0, 0, 3, 3], "segmentation": []}
    dataset = opened(write(tmp_path, content(lambda whole: whole["annotations"].insert(0, box))))
    expected = np.zeros((H, W), np.uint8)
    expected[0:3, 0:3] = 255
    expected[CAT > 0] = 1
    np.testing.assert_array_equal(dataset.truth.mask("1"), expected)
    assert dataset.truth_report.annotations_without_outline == 1
    assert "1 annotation without outline (box ignored)" in dataset.truth_report.line
    as_outline = opened(tmp_path, boxes="box")
    expected[0:3, 0:3], expected[3:6, 1:5] = 2, 1  # the earlier annotation wins
    expected[1:3, 3:5] = 1
    np.testing.assert_array_equal(as_outline.truth.mask("1"), expected)
    assert as_outline.truth.ignore is None and "(box used as outline)" in as_outline.truth_report.line


def test_an_image_with_an_object_that_may_be_anywhere_is_not_scored(tmp_path):
    lost = {"id": 9, "image_id": 1, "category_id": 2, "segmentation": None}
    dataset = opened(write(tmp_path, content(lambda whole: whole["annotations"].append(lost))))
    assert not dataset.truth.has("1") and dataset.truth.has("2")
    assert dataset.truth_report.labelled == 1 and dataset.truth_report.images_without_outline.first == ("val/a.jpg",)


@pytest.mark.parametrize(
    ("segmentation", "words"),
    [
        (
            {"size": [4, 5], "counts": [10, 5, 5]},
            rf"annotation 7 of image 1 \(a\.jpg\) .*size \[4, 5\] .*the image has \[{H}, {W}\]; export it again",
        ),
        ({"size": [H, W], "counts": [10, 5]}, "annotation 7 of image 1 .*have 15 pixels"),
        ([[1, 1, 5, 1, 5, 6, 1]], "annotation 7 of image 1 .*7 numbers"),
    ],
)
def test_a_bad_outline_is_named_before_any_work(tmp_path, segmentation, words):
    whole = content(lambda whole: whole["annotations"][0].update(segmentation=segmentation))
    dataset = opened(write(tmp_path, whole))
    with pytest.raises(DatasetError, match=words):
        check_truth(dataset, ["1", "2"])


# Categories and annotations


def test_a_category_that_only_groups_others_is_no_class(tmp_path):
    def roboflow(whole):
        each("categories", lambda entry: entry.update(supercategory="pets"))(whole)
        whole["categories"].insert(0, {"id": 0, "name": "pets", "supercategory": "none"})

    dataset = opened(write(tmp_path, content(roboflow)))
    assert_whole(dataset)
    assert dataset.truth_report.groups.first == ("pets",)
    kept = opened(tmp_path, groups="keep").truth
    assert kept.classes == ("background", "pets", "cat", "dog")
    np.testing.assert_array_equal(kept.mask("2"), np.where(DOG, 3, 0))


def test_a_category_without_annotations_that_groups_nothing_stays_a_class_and_is_told(tmp_path):
    def change(whole):
        whole["categories"].append({"id": 3, "name": "cow", "supercategory": "cow"})

    dataset = opened(write(tmp_path, content(change)))
    assert dataset.truth.classes == ("background", "cat", "dog", "cow")
    report = dataset.truth_report.with_masks(check_truth(dataset, ["1", "2"]))
    assert report.classes_without_pixels.first == ("cow",) and not report.groups.count


def test_a_category_called_background_is_class_0(tmp_path):
    def change(whole):
        whole["categories"].insert(0, {"id": 5, "name": "Background"})
        ground = {"id": 6, "image_id": 1, "category_id": 5, "segmentation": [box_polygon(0, 0, 3, 8)]}
        whole["annotations"].insert(0, ground)

    dataset = opened(write(tmp_path, content(change)))
    assert dataset.truth.classes == ("background", "cat", "dog")
    expected = CAT.copy()
    expected[:, :3] = 0  # the earlier annotation wins
    np.testing.assert_array_equal(dataset.truth.mask("1"), expected)


@pytest.mark.parametrize("change", [lambda c: c.pop("annotations"), lambda c: c.update(annotations=[])])
def test_a_file_without_annotations_is_no_ground_truth_and_says_so(tmp_path, change):
    dataset = opened(write(tmp_path, content(change)))
    assert len(dataset.files) == 2 and dataset.truth is None
    assert dataset.truth_report.line == "no ground truth: instances_val.json has no annotations"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["categories"][1].update(name="cat"), "two categories have the name 'cat'; rename one"),
        (lambda c: c["categories"][1].update(id=1), "duplicate category id 1"),
        (lambda c: c["categories"][1].pop("name"), "a category without name: {'id': 2}"),
        (lambda c: c["images"][1].pop("file_name"), "an image without file_name: {'id': 2"),
        (lambda c: c["images"][1].update(id=None), "an image without id: "),
        (lambda c: c["images"][1].update(id="../../x"), "id '../../x' is not a valid name"),
        (lambda c: c["annotations"][1].pop("category_id"), "annotation 8 has no category_id"),
        (lambda c: c["annotations"][1].pop("image_id"), "annotation 8 has no image_id"),
        (lambda c: (c["annotations"][1].pop("image_id"), c["annotations"][1].pop("id")), "annotation number 2 has no"),
        (lambda c: c["annotations"][1].update(category_id=9), "annotation 8 has the unlisted category 9"),
        (lambda c: c["annotations"][1].update(segmentation="mask.png"), "annotation 8 of image 2 .*'mask.png'"),
        (lambda c: c["annotations"].append(7), "list 'annotations' contains 7"),
        (lambda c: c.pop("images"), "no list 'images'"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path, change, words):
    with pytest.raises(DatasetError, match=rf"instances_val\.json: .*{words}"):
        opened(write(tmp_path, content(change)))


def test_annotations_of_images_that_are_not_listed_are_counted(tmp_path):
    stray = {"id": 9, "image_id": 77, "category_id": 1, "segmentation": [box_polygon(0, 0, 2, 2)]}
    dataset = opened(write(tmp_path, content(lambda whole: whole["annotations"].append(stray))))
    assert_whole(dataset)
    assert dataset.truth_report.annotations_without_image == 1


# Photographs turned by EXIF


def turn(path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture(0, W, H).save(path, exif=exif)


def test_annotations_of_stored_pixels_are_turned_with_their_photograph(tmp_path):
    root = write(tmp_path, content())
    turn(root / "val/a.jpg", 6)
    dataset = opened(root)
    np.testing.assert_array_equal(dataset.truth.mask("1"), np.rot90(CAT, -1))
    assert dataset.read("1").shape[:2] == (W, H)
    np.testing.assert_array_equal(dataset.truth.mask("2"), DOG)


@pytest.mark.parametrize("sizes", [True, False])
def test_one_photograph_of_which_nothing_tells_does_not_stop_the_others(tmp_path, sizes):
    whole = content(each("images", lambda e: None if sizes else (e.pop("width"), e.pop("height"))))
    root = write(tmp_path, whole)
    turn(root / "val/a.jpg", 3 if sizes else 6)
    dataset = opened(root)
    assert not dataset.truth.has("1") and dataset.truth.has("2")
    report = dataset.truth_report.with_masks(check_truth(dataset, ["1", "2"]))
    assert (report.labelled, report.turned, report.unclear.first) == (1, 1, ("val/a.jpg",))
    stored = np.rot90(CAT, 2) if sizes else np.rot90(CAT, -1)
    np.testing.assert_array_equal(opened(root, orientation="stored").truth.mask("1"), stored)
    if sizes:
        np.testing.assert_array_equal(opened(root, orientation="upright").truth.mask("1"), CAT)

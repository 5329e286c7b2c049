import json
from pathlib import Path

import numpy as np
import pytest

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError
from tests.datasets.broken_files import picture


def box_polygon(x0: int, y0: int, x1: int, y1: int) -> list[float]:
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def run_lengths(mask) -> dict:
    """COCO's uncompressed run lengths: column by column, the first run counts zeros."""
    counts, value = [0], 0
    for pixel in mask.T.ravel():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    return {"size": list(mask.shape), "counts": counts}


CROWD = np.zeros((8, 10), int)
CROWD[5:8, 0:10] = 1
# Category ids have gaps and stand in no order: only the position in the list counts.
CONTENT = {
    "images": [
        {"id": 139, "file_name": "000000000139.jpg", "height": 8, "width": 10},
        {"id": 25, "file_name": "000000000025.jpg", "height": 8, "width": 10},
        {"id": 777, "file_name": "000000000777.jpg", "height": 8, "width": 10},
    ],
    "categories": [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}, {"id": 44, "name": "bottle"}],
    "annotations": [
        {"id": 1, "image_id": 139, "category_id": 1, "iscrowd": 0, "segmentation": [box_polygon(1, 1, 5, 6)]},
        {"id": 2, "image_id": 777, "category_id": 1, "iscrowd": 0, "segmentation": [box_polygon(0, 0, 2, 2)]},
        {"id": 3, "image_id": 139, "category_id": 90, "iscrowd": 0, "segmentation": [box_polygon(3, 0, 8, 4)]},
        {"id": 4, "image_id": 139, "category_id": 44, "iscrowd": 1, "segmentation": run_lengths(CROWD)},
        {"id": 5, "image_id": 139, "category_id": 44, "iscrowd": 0, "segmentation": [[0, 0, 9, 1]]},
    ],
}


@pytest.fixture
def coco(tmp_path) -> Path:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(CONTENT))
    (tmp_path / "val2017").mkdir()
    for number in (25, 139):
        picture(number, 10, 8).save(tmp_path / f"val2017/{number:012d}.jpg")
    return tmp_path


def change(coco: Path, **parts) -> None:
    (coco / "annotations/instances_val2017.json").write_text(json.dumps(CONTENT | parts))


def test_ids_are_decimal_strings_and_missing_images_are_set_aside(coco):
    dataset = open_dataset(f"coco:{coco}:val2017", coco)
    assert [(f.image_id, f.relative) for f in dataset.files] == [
        ("139", "val2017/000000000139.jpg"),
        ("25", "val2017/000000000025.jpg"),
    ]
    assert dataset.name == "coco-val2017"
    assert [s.path for s in dataset.skipped] == ["val2017/000000000777.jpg"]


def test_instances_merge_in_file_order_with_crowds_and_the_earlier_wins(coco):
    truth = open_dataset(f"coco:{coco}:val2017", coco).truth
    assert truth.classes == ("background", "toothbrush", "person", "bottle") and truth.ignore is None
    expected = np.zeros((8, 10), int)
    expected[5:8, 0:10] = 3  # the crowd, last in the file, under the others; two corners enclose nothing
    expected[0:4, 3:8] = 1
    expected[1:6, 1:5] = 2
    np.testing.assert_array_equal(truth.mask("139"), expected)


def test_crowds_are_ignored_outside_other_outlines_where_a_setting_says_so(coco):
    truth = open_dataset(f"coco:{coco}:val2017", coco, TruthSettings(crowds="ignore")).truth
    included = open_dataset(f"coco:{coco}:val2017", coco).truth.mask("139")
    np.testing.assert_array_equal(truth.mask("139"), np.where(included == 3, 255, included))
    assert truth.ignore == 255


def test_the_last_of_overlapping_objects_wins_where_a_setting_says_so(coco):
    mask = open_dataset(f"coco:{coco}:val2017", coco, TruthSettings(overlaps="last")).truth.mask("139")
    expected = np.zeros((8, 10), int)
    expected[1:6, 1:5] = 2
    expected[0:4, 3:8] = 1
    expected[5:8, 0:10] = 3
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("crowds", "least", "kept"),
    [("include", 0, ["139", "25"]), ("include", 60, ["139"]), ("include", 61, []), ("ignore", 35, [])],
)
def test_images_with_few_labelled_pixels_are_left_out_and_listed(coco, crowds, least, kept):
    rules, pixels = TruthSettings(crowds=crowds, least_pixels=least), {"include": 60, "ignore": 34}[crowds]
    whole = open_dataset(f"coco:{coco}:val2017", coco, TruthSettings(crowds=crowds)).truth.mask("139")
    assert np.isin(whole, [1, 2, 3]).sum() == pixels
    if not kept:
        with pytest.raises(DatasetError, match=f"no image has truth.least_pixels {least}; lower it"):
            open_dataset(f"coco:{coco}:val2017", coco, rules)
        return
    dataset = open_dataset(f"coco:{coco}:val2017", coco, rules)
    assert [file.image_id for file in dataset.files] == kept
    few = {s.path: s.reason for s in dataset.skipped if "labelled pixels" in s.reason}
    assert (
        few == {}
        if least == 0
        else few == {"val2017/000000000025.jpg": "0 labelled pixels, below truth.least_pixels 60"}
    )


def test_an_image_without_annotations_is_all_background(coco):
    truth = open_dataset(f"coco:{coco}:val2017", coco).truth
    assert truth.has("25") and not truth.mask("25").any()


def test_the_images_may_lie_below_a_folder_of_that_name(coco):
    (coco / "images").mkdir()
    (coco / "val2017").rename(coco / "images/val2017")
    dataset = open_dataset(f"coco:{coco}:val2017", coco)
    assert dataset.files[0].relative == "images/val2017/000000000139.jpg"
    assert dataset.read("139").shape == (8, 10, 3)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("coco:{root}:train2017", "choose one of val2017"),
        ("coco:{root}/nowhere:val2017", "no folder .*ROOT must contain annotations/"),
        ("coco:{root}:", "write coco:ROOT:SPLIT"),
    ],
)
def test_a_coco_string_that_cannot_serve_says_why(coco, spec, words):
    with pytest.raises(DatasetError, match=words):
        open_dataset(spec.format(root=coco), coco)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"images": CONTENT["images"][2:]}, "none of its 1 images"),
        ({"annotations": [{"id": 8, "image_id": 25, "category_id": 7, "segmentation": []}]}, "unlisted category 7"),
        ({"categories": None}, "not COCO instances"),
        ({"images": CONTENT["images"][:1] * 2}, "duplicate image id 139"),
    ],
)
def test_annotations_that_cannot_serve_say_why(coco, parts, words):
    change(coco, **parts)
    with pytest.raises(DatasetError, match=words):
        open_dataset(f"coco:{coco}:val2017", coco)


def test_annotations_cut_short_name_their_file(coco):
    path = coco / "annotations/instances_val2017.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DatasetError, match=r"instances_val2017\.json"):
        open_dataset(f"coco:{coco}:val2017", coco)


def test_annotations_of_another_size_than_the_image_are_refused(coco):
    picture(1, 8, 10).save(coco / "val2017/000000000139.jpg")
    with pytest.raises(DatasetError, match=r"is 10 x 8 pixels, but the upright image .*139\.jpg is 8 x 10"):
        open_dataset(f"coco:{coco}:val2017", coco).truth.mask("139")


@pytest.mark.real
def test_real_coco_masks_equal_those_merged_by_the_official_tool(photographs):
    from pycocotools.coco import COCO

    official = COCO(str(photographs / "coco/annotations/instances_val2017.json"))
    dataset = open_dataset(f"coco:{photographs / 'coco'}:val2017", photographs)
    position = {c["id"]: k for k, c in enumerate(official.dataset["categories"], start=1)}
    assert len(dataset.files) == 50 and len(dataset.truth.classes) == 81
    for file in dataset.files:
        expected = np.zeros(dataset.read(file.image_id).shape[:2], np.uint8)
        for annotation in reversed(official.loadAnns(official.getAnnIds(imgIds=int(file.image_id), iscrowd=None))):
            expected[official.annToMask(annotation).astype(bool)] = position[annotation["category_id"]]
        np.testing.assert_array_equal(dataset.truth.mask(file.image_id), expected)


def test_names_of_categories_are_one_line_each(coco):
    named = ["tooth\nbrush ", "person", "bottle"]
    kept = [{**entry, "name": name} for entry, name in zip(CONTENT["categories"], named, strict=True)]
    change(coco, categories=kept)
    truth = open_dataset(f"coco:{coco}:val2017", coco).truth
    assert truth.classes == ("background", "tooth brush", "person", "bottle")
    change(coco, categories=[{**entry, "name": name} for entry, name in zip(kept, ["a\tb", "a b", "c"], strict=True)])
    with pytest.raises(DatasetError, match="two categories have the name 'a b'"):
        open_dataset(f"coco:{coco}:val2017", coco)


NO_SIZES = [["a", 9], [None, None], [8], [8, 10, 1], "8 x 10", [8, 0], [-8, -10], [8.5, 10], [True, 10], [[8], [10]]]


@pytest.mark.parametrize("size", NO_SIZES, ids=str)
@pytest.mark.parametrize("known", [True, False])
def test_run_lengths_of_a_size_that_is_none_are_refused_by_their_annotation(coco, size, known):
    outline = {"id": 31, "image_id": 139, "category_id": 44, "segmentation": {"size": size, "counts": [10, 70]}}
    sized = {"height": 8, "width": 10} if known else {}
    change(coco, images=[{"id": 139, "file_name": "000000000139.jpg", **sized}], annotations=[outline])
    with pytest.raises(DatasetError, match=r"annotation 31 of image 139 has .*is not \[height, width\] in pixels"):
        open_dataset(f"coco:{coco}:val2017", coco)


def test_a_size_larger_than_any_image_is_refused_and_nothing_of_it_is_drawn(coco):
    outline = {"id": 31, "image_id": 139, "category_id": 44}
    alone = {"id": 139, "file_name": "000000000139.jpg"}
    huge = outline | {"segmentation": {"size": [10**9, 10**9], "counts": [10, 70]}}
    change(coco, images=[alone], annotations=[huge])
    with pytest.raises(
        DatasetError,
        match=r"annotation 31 of image 139 has an invalid segmentation.*more than the largest",
    ):
        open_dataset(f"coco:{coco}:val2017", coco)
    change(coco, images=[alone | {"height": 10**9, "width": 10**9}])
    with pytest.raises(DatasetError, match="the image 139 has height 1000000000 and width 1000000000"):
        open_dataset(f"coco:{coco}:val2017", coco)
    change(coco, images=[alone | {"height": float("inf"), "width": 10}])
    assert open_dataset(f"coco:{coco}:val2017", coco).truth.mask("139").shape == (8, 10)


def test_a_size_written_with_a_point_serves(coco):
    crowd = {"size": [8.0, 10.0], "counts": run_lengths(CROWD)["counts"]}
    one = {"id": 31, "image_id": 139, "category_id": 44, "segmentation": crowd}
    change(coco, images=[{"id": 139, "file_name": "000000000139.jpg"}], annotations=[one])
    np.testing.assert_array_equal(open_dataset(f"coco:{coco}:val2017", coco).truth.mask("139"), CROWD * 3)

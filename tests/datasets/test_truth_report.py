"""The one line with which every reading of ground truth ends."""

import json

from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.truth_check import check_truth
from comus_core.datasets.truth_report import Named, TruthReport
from tests.datasets.test_folder import labelled, mask_of, put, put_mask  # noqa: F401 (a fixture)


def test_nothing_odd_is_a_short_line():
    assert TruthReport(6, 6, ("background", "cat")).line == "ground truth: 6 of 6 images labelled, 1 class"


def test_every_kind_is_told_with_its_first_names():
    report = TruthReport(
        images=1_234,
        labelled=1_200,
        classes=("background", "cat", "dog"),
        images_without_mask=Named.of(f"{k}.jpg" for k in range(30)),
        masks_without_image=Named.of(["x.png"]),
        masks_not_png=Named.of(["y.tif"]),
        annotations_without_outline=2,
        images_without_outline=Named.of(["z.jpg"]),
        annotations_without_image=1,
        groups=Named.of(["animals"]),
        turned=2,
        unclear=Named.of(["t.jpg"]),
        classes_without_pixels=Named.of(["dog"]),
    )
    assert report.line == (
        "ground truth: 1,200 of 1,234 images labelled, 2 classes; 30 images without mask (0.jpg, 1.jpg, 2.jpg and 27 "
        "more); 1 mask without image (x.png); 1 file in masks is not a PNG (y.tif); 2 annotations without outline "
        "(boxes ignored); 1 image not scored, with an object that has neither outline nor box (z.jpg); 1 annotation of "
        "unlisted images; 1 supercategory ignored (animals); 2 images turned by EXIF; 1 of "
        "them not scored (t.jpg): the orientation of the mask is unknown, set truth.orientation to upright or "
        "stored; 1 class without pixels (dog)"
    )


def test_the_json_has_the_line_and_the_numbers_and_few_names():
    found = TruthReport(40, 10, ("background", "cat"), Named.of(f"{k}.jpg" for k in range(30))).to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["images_without_mask"]["count"] == 30 and len(found["images_without_mask"]["first"]) == 20
    assert (found["classes"], found["labelled"], found["classes_without_pixels"]) == (1, 10, None)
    assert found["line"].startswith("ground truth: 10 of 40")
    none = TruthReport(6, 0, why_none="a.json has no annotations")
    assert none.line == "no ground truth: a.json has no annotations" and none.to_dict()["classes"] == 0


def test_reading_the_masks_finds_the_classes_without_pixels(labelled):  # noqa: F811
    put(labelled / "images/c.png")
    put_mask(labelled / "masks/c.png", mask_of(2, 255))
    put_mask(labelled / "masks/more/b.png", mask_of(2))
    dataset = open_dataset(str(labelled), labelled)
    report = dataset.truth_report.with_masks(check_truth(dataset, ["images/a.png", "images/c.png"]))
    assert (report.images, report.labelled, report.turned) == (2, 1, 0)  # b was set aside, say
    assert report.classes_without_pixels.first == ("cat",)

"""Each format, read by a program that is not ours: the same images, names and masks."""

import json
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import supervision
import torchvision
from PIL import Image
from pycocotools.coco import COCO

from tests.export.formats.conftest import NAMES, decoded, iou


def coco_of(result, split="default"):
    return COCO(str(Path(result.path) / "annotations" / f"instances_{split}.json"))


def name_of(exporter, category):
    return exporter.workspace.decisions_of(exporter.run).name_of(category)


def test_pycocotools_reads_every_mask_bit_by_bit(exporter):
    coco, truth = coco_of(exporter.export("coco")), exporter.truth()
    assert {image["comus_id"] for image in coco.imgs.values()} == set(truth)
    for image in coco.imgs.values():
        read = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert len(read) == len(truth[image["comus_id"]])
        for annotation, (proposal, category, mask) in zip(read, truth[image["comus_id"]], strict=True):
            assert np.array_equal(coco.annToMask(annotation).astype(bool), mask)
            assert annotation["attributes"]["comus_id"] == proposal
            assert annotation["area"] == mask.sum()
            assert coco.cats[annotation["category_id"]]["name"] == name_of(exporter, category)
            assert coco.cats[annotation["category_id"]]["comus_id"] == category == annotation["category_id"] - 1
            x, y, w, h = annotation["bbox"]
            assert mask[y : y + h, x : x + w].sum() == mask.sum()
            assert mask[y].any() and mask[y + h - 1].any() and mask[:, x].any() and mask[:, x + w - 1].any()


def test_pycocotools_fills_the_polygons_with_the_same_pixels(exporter):
    coco, truth = coco_of(exporter.export("coco", masks="polygons")), exporter.truth()
    masks = {proposal: mask for objects in truth.values() for proposal, _, mask in objects}
    for annotation in coco.anns.values():
        mask = masks[annotation["attributes"]["comus_id"]]
        assert np.array_equal(decoded(annotation["segmentation"], *mask.shape), mask)


def test_splits_share_no_image_and_are_the_same_again(exporter):
    result = exporter.export("coco", validation=0.3)
    names = [{i["comus_id"] for i in coco_of(result, split).imgs.values()} for split in ("train", "val")]
    assert not names[0] & names[1]
    assert result.splits == {"train": len(names[0]), "val": len(names[1])}
    again = exporter.export("coco", "again", validation=0.3)
    assert {i["comus_id"] for i in coco_of(again, "val").imgs.values()} == names[1]
    for split in ("train", "val"):
        for image in coco_of(result, split).imgs.values():
            assert (Path(result.path) / "images" / split / image["file_name"]).is_file()


def test_supervision_reads_coco(exporter):
    result = exporter.export("coco")
    annotations = Path(result.path) / "annotations" / "instances_default.json"
    read = supervision.DetectionDataset.from_coco(str(Path(result.path) / "images"), str(annotations), force_masks=True)
    assert len(read) == result.images
    assert sorted(read.classes) == sorted(NAMES.values())


def test_the_panoptic_segments_are_the_masks(exporter):
    result, truth = exporter.export("coco-panoptic"), exporter.truth()
    folder = Path(result.path) / "annotations"
    content = json.loads((folder / "panoptic_default.json").read_text())
    ids = {image["id"]: image["comus_id"] for image in content["images"]}
    for annotation in content["annotations"]:
        pixels = np.asarray(Image.open(folder / "panoptic_default" / annotation["file_name"])).astype(np.int64)
        segments = pixels @ [1, 256, 65536]
        assert len(annotation["segments_info"]) == len(truth[ids[annotation["image_id"]]])
        for segment, (_, category, mask) in zip(
            annotation["segments_info"], truth[ids[annotation["image_id"]]], strict=True
        ):
            assert np.array_equal(segments == segment["id"], mask)
            assert segment["category_id"] == category + 1


def test_torchvision_reads_voc(exporter, tmp_path):
    result, truth = exporter.export("voc"), exporter.truth()
    (tmp_path / "VOCdevkit").mkdir()
    (tmp_path / "VOCdevkit" / "VOC2012").symlink_to(result.path)
    read = torchvision.datasets.VOCSegmentation(str(tmp_path), image_set="train")
    about = json.loads((Path(result.path) / "comus.json").read_text())
    id_of = {file: image_id for file, image_id in about["files"]}
    index_of = {c["id"]: c["index"] for c in about["categories"]}
    assert len(read) == len(truth)
    for number in range(len(read)):
        image, mask = read[number]
        file = Path(read.images[number]).relative_to(tmp_path / "VOCdevkit" / "VOC2012").as_posix()
        expected = np.zeros(np.asarray(mask).shape, np.uint8)
        for _, category, inside in truth[id_of[file]]:
            expected[inside] = index_of[category]
        assert np.array_equal(np.asarray(mask), expected)
        assert image.size == mask.size
    palette = np.array(mask.getpalette()).reshape(-1, 3)
    colours = {line.split(":")[0]: line.split(":")[1] for line in read_lines(result, "labelmap.txt")[1:]}
    for category in about["categories"]:
        assert colours[category["name"]] == ",".join(map(str, palette[category["index"]]))


def read_lines(result, name):
    return (Path(result.path) / name).read_text().splitlines()


def test_supervision_reads_the_boxes_of_voc(exporter):
    result, truth = exporter.export("voc"), exporter.truth()
    folder = Path(result.path)
    read = supervision.DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    assert sum(len(a) for a in read.annotations.values()) == sum(map(len, truth.values()))
    assert set(read.classes) == {"bird", "fire_ engine", "名 🐟"}  # labelmap.txt separates by commas


def test_supervision_fills_the_polygons_of_yolo_with_the_same_pixels(exporter):
    result, truth = exporter.export("yolo"), exporter.truth()
    folder = Path(result.path)
    read = supervision.DetectionDataset.from_yolo(
        str(folder / "images/train"), str(folder / "labels/train"), str(folder / "data.yaml"), force_masks=True
    )
    id_of = dict(json.loads((folder / "comus.json").read_text())["files"])
    assert list(read.classes) == list(NAMES.values())
    for path, annotations in read.annotations.items():
        expected = truth[id_of[Path(path).relative_to(folder).as_posix()]]
        assert len(annotations) == len(expected)
        for (_, category, mask), found, kind in zip(
            expected, annotations.mask if len(annotations) else [], annotations.class_id, strict=True
        ):
            assert iou(mask, found) >= 0.98
            assert read.classes[kind] == name_of(exporter, category)


def test_supervision_reads_the_boxes_of_yolo(exporter):
    result, truth = exporter.export("yolo-detect"), exporter.truth()
    folder = Path(result.path)
    read = supervision.DetectionDataset.from_yolo(
        str(folder / "images/train"), str(folder / "labels/train"), str(folder / "data.yaml")
    )
    id_of = dict(json.loads((folder / "comus.json").read_text())["files"])
    for path, annotations in read.annotations.items():
        for (_, _, mask), box in zip(
            truth[id_of[Path(path).relative_to(folder).as_posix()]], annotations.xyxy, strict=True
        ):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            assert np.allclose(box, expected, atol=0.01)


def test_datasets_loads_the_hugging_face_folder(exporter):
    result, truth = exporter.export("huggingface", validation=0.3), exporter.truth()
    read = datasets.load_dataset("imagefolder", data_dir=result.path, cache_dir=str(exporter.folder / "cache"))
    assert {split: len(read[split]) for split in read} == {
        "train": result.splits["train"],
        "validation": result.splits["val"],
    }
    index_of = {c["id"]: c["index"] for c in result.categories}
    for split in read:
        for row in read[split]:
            expected = np.zeros((row["height"], row["width"]), np.uint8)
            for _, category, mask in truth[row["image_id"]]:
                expected[mask] = index_of[category]
            assert np.array_equal(np.asarray(row["mask"]), expected)
            assert row["image"].size == (row["width"], row["height"])


def test_image_folder_of_torchvision_finds_a_class_a_category(exporter):
    result, truth = exporter.export("image-folder"), exporter.truth()
    read = torchvision.datasets.ImageFolder(str(Path(result.path) / "crops"))
    assert sorted(read.classes) == sorted(NAMES.values())
    assert len(read) == sum(map(len, truth.values()))


def test_cut_outs_are_transparent_outside_of_the_object(exporter):
    result, truth = exporter.export("image-folder", cutout=True, margin=0.1), exporter.truth()
    sizes = sorted(int(mask.sum()) for objects in truth.values() for _, _, mask in objects)
    opaque = [(np.asarray(Image.open(path))[:, :, 3] == 255).sum() for path in Path(result.path).rglob("*.png")]
    assert sorted(map(int, opaque)) == sizes


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_pandas_and_arrow_read_the_table(exporter, kind):
    result, truth = exporter.export(kind), exporter.truth()
    file = Path(result.path) / f"objects.{kind}"
    read = pd.read_csv(file) if kind == "csv" else pq.read_table(file).to_pandas()
    masks = {proposal: (category, mask) for objects in truth.values() for proposal, category, mask in objects}
    assert set(read["id"]) == set(masks)
    for row in read.itertuples():
        category, mask = masks[row.id]
        assert (row.category, row.area, row.name) == (category, mask.sum(), NAMES[category])
        y, x = np.nonzero(mask)
        assert (row.centroid_x, row.centroid_y) == pytest.approx((x.mean(), y.mean()))
        if kind == "parquet":
            packed = {"size": [row.height, row.width], "counts": row.rle}
            assert np.array_equal(decoded(packed, *mask.shape), mask)

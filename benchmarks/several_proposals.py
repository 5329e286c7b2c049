"""How many classes are found with one proposal an image, and with several.

Runs a data set with each way of splitting soft maps, and prints proposals, mIoU and the number of classes with an IoU
of 20 % or more. `ratio` is those found with `components` over those found with one proposal an image.

    python -m benchmarks.several_proposals WORKSPACE --dataset voc:ROOT:trainval [--set NAME=VALUE]
    python -m benchmarks.several_proposals WORKSPACE --coco ROOT --yolo ROOT [--set NAME=VALUE]

The second joins a COCO folder and COCO128-seg (YOLO polygons) into one data set of COCO's 80 classes. `--quick` takes
one image of ten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.report import Report, arguments
from comus_core import Run, discover, make_config, open_workspace
from comus_core.datasets.dataset import open_dataset
from comus_core.settings import assigned, merge

FOUND = 20.0  # percent of IoU from which a class counts as found
SPLITS = ("none", "components", "peaks")


def joined(coco: Path, yolo: Path, out: Path) -> Path:
    """`out` as a COCO folder with the split `val2017`, images as links."""
    (out / "annotations").mkdir(parents=True, exist_ok=True)
    (out / "val2017").mkdir(exist_ok=True)
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for split in ("train2017", "val2017"):
        listed = json.loads((coco / "annotations" / f"instances_{split}.json").read_text())
        categories = sorted(listed["categories"], key=lambda c: int(c["id"]))
        images += listed["images"]
        annotations += listed["annotations"]
        for image in listed["images"]:
            _link(coco / split / image["file_name"], out)
    known = {int(image["id"]) for image in images}
    for path in sorted((yolo / "images").rglob("*.jpg")):
        if int(path.stem) in known:
            continue
        width, height = Image.open(path).size
        images.append({"id": int(path.stem), "file_name": path.name, "width": width, "height": height})
        label = yolo / "labels" / path.parent.name / f"{path.stem}.txt"
        for line in label.read_text().splitlines() if label.is_file() else []:
            number, *shares = line.split()
            sides = (width, height)
            outline = [float(share) * sides[k % 2] for k, share in enumerate(shares)]
            x, y = outline[::2], outline[1::2]
            box = [min(x), min(y), max(x) - min(x), max(y) - min(y)]
            one = {"image_id": int(path.stem), "category_id": categories[int(number)]["id"], "segmentation": [outline]}
            annotations.append(one | {"iscrowd": 0, "bbox": box, "area": box[2] * box[3]})
        _link(path, out)
    for number, annotation in enumerate(annotations, 1):
        annotation["id"] = number
    content = {"images": images, "annotations": annotations, "categories": categories}
    (out / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    return out


def _link(path: Path, out: Path) -> None:
    place = out / "val2017" / path.name
    if not place.exists():
        place.symlink_to(path.resolve())


def main() -> None:
    """Figures for each way of splitting."""
    parser = arguments(__doc__ or "")
    parser.add_argument("workspace", metavar="WORKSPACE", help="kept, and used again")
    parser.add_argument("--dataset", help="any data set with ground truth")
    parser.add_argument("--coco", type=Path, metavar="ROOT", help="with annotations/, train2017/ and val2017/")
    parser.add_argument("--yolo", type=Path, metavar="ROOT", help="with images/ and labels/")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the runs")
    options = parser.parse_args()
    if (options.dataset is None) == (options.coco is None or options.yolo is None):
        parser.error("give --dataset, or both --coco and --yolo")
    place = open_workspace(options.workspace)
    joint = None if options.dataset else joined(options.coco, options.yolo, place.root / "coco226")
    dataset = options.dataset or f"coco:{joint}:val2017"
    files = open_dataset(dataset, place.drawings).files
    only = tuple(file.image_id for file in files[::10]) if options.quick else ()
    report = Report("One proposal an image, and several")
    for split in SPLITS:
        settings = {
            "dataset": dataset,
            "saliency": {"detector": "u2netp", "split": split},
            "features": {"encoder": "efficientnet-lite0"},
            "only": only,
        }
        _judge(report, split, discover(make_config(**merge(settings, assigned(options.set))), place))
    report.add("ratio", report.figures["components_found"] / max(report.figures["none_found"], 1), "classes found", "x")
    report.write(options.json)


def _judge(report: Report, split: str, run: Run) -> None:
    """Proposals, mIoU, classes found and seconds."""
    score = run.result["evaluation"]
    iou = [value for name, value in score["per_class"].items() if name != "background"]
    report.add(f"{split}_proposals", run.result["proposals"], f"{split}: proposals", "")
    report.add(f"{split}_miou", score["miou"], f"{split}: mIoU, {score['matching']}", "%")
    found = sum(value >= FOUND for value in iou)
    report.add(f"{split}_found", found, f"{split}: classes of {len(iou)} at {FOUND:g} % or more", "")
    report.add(f"{split}_seconds", sum(run.result["seconds"].values()), f"{split}: computing", "s")


if __name__ == "__main__":
    main()

"""How many classes are found with one proposal an image, and with several.

Joins a COCO folder and COCO128-seg (YOLO polygons) into one data set of COCO's 80 classes, runs it with each way of
splitting soft maps, and prints proposals, mIoU and the number of classes with an IoU of 20 % or more.

    python -m benchmarks.several_proposals COCO_ROOT COCO128_ROOT WORKSPACE [--set NAME=VALUE]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from comus_core import discover, make_config, open_workspace
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


def main(coco: str, yolo: str, workspace: str, *assignments: str) -> None:
    """Print a line for each way of splitting."""
    place = open_workspace(workspace)
    root = joined(Path(coco), Path(yolo), place.root / "coco226")
    for split in SPLITS:
        settings: dict[str, Any] = {
            "dataset": f"coco:{root}:val2017",
            "saliency": {"detector": "u2netp", "split": split},
            "features": {"encoder": "efficientnet-lite0"},
        }
        run = discover(make_config(**merge(settings, assigned(assignments))), place)
        score = run.result["evaluation"]
        iou = [value for name, value in score["per_class"].items() if name != "background"]
        found = sum(value >= FOUND for value in iou)
        print(
            f"{split}: {run.result['proposals']} proposals, mIoU {score['miou']:.2f}, {score['matching']}, "
            f"{found} classes of {len(iou)} at {FOUND:g} % or more, {sum(run.result['seconds'].values()):.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:4], *(word for word in sys.argv[4:] if word != "--set"))

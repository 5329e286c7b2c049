"""`python read_with_label_studio.py FORMAT FOLDER OUT.npz`: masks as Label Studio's converter writes them.

The converter reads annotations alone, so each prediction is accepted first, as a click on it does in Label Studio: its
regions become those of an annotation, unchanged. FORMAT is a name of the converter: BRUSH_TO_NUMPY, COCO.
"""

import json
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from answer import Answer
from label_studio_sdk.converter import Converter
from pycocotools import mask as coco_mask

BRUSH = re.compile(r"task-(\d+)-annotation-\d+-by-1-label-(.*)-\d+\.npy")


def main(kind, folder, out):
    folder, answer = Path(folder), Answer(out)
    tasks = json.loads((folder / "tasks.json").read_text())
    for number, task in enumerate(tasks, 1):
        accepted = [{"id": number, "completed_by": 1, "result": p["result"]} for p in task.pop("predictions")]
        task.update(id=number, annotations=accepted)
    with tempfile.TemporaryDirectory() as temporary:
        file, made = Path(temporary) / "export.json", Path(temporary) / "made"
        file.write_text(json.dumps(tasks))
        made.mkdir()
        converter = Converter(str(folder / "label_config.xml"), str(folder), download_resources=False)
        converter.convert(str(file), str(made), kind, is_dir=False)
        (brushes if kind == "BRUSH_TO_NUMPY" else polygons)(made, tasks, answer)
    answer.write()


def brushes(made, tasks, answer):
    """An array a region; its name holds the task and the label."""
    for path in sorted(made.glob("*.npy")):
        task, name = BRUSH.fullmatch(path.name).groups()
        opacity = np.load(path)
        assert set(np.unique(opacity)) <= {0, 255}
        answer.add(stem(tasks[int(task) - 1]["data"]["image"]), name, mask=opacity > 0)


def polygons(made, tasks, answer):
    """COCO: an annotation a polygon."""
    content = json.loads((made / "result.json").read_text())
    images = {image["id"]: image for image in content["images"]}
    names = {category["id"]: category["name"] for category in content["categories"]}
    for annotation in content["annotations"]:
        image = images[annotation["image_id"]]
        size = image["height"], image["width"]
        mask = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(annotation["segmentation"], *size)))
        answer.add(stem(image["file_name"]), names[annotation["category_id"]], mask=mask)


def stem(address):
    return Path(unquote(address)).stem


if __name__ == "__main__":
    main(*sys.argv[1:])

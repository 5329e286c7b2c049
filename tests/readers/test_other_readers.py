"""Exports read by the label tools' own readers, each in `.venv-readers`: `make test-readers` makes it.

datumaro is also what CVAT reads and writes all formats with but its own. It reads YOLO's boxes alone (it wants five
numbers a line), so YOLO's polygons are read by supervision: `tests/export/formats/test_read_back.py`.
"""

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from comus_core import ExportSettings, curation, export_run, find_round
from comus_core.curation import NewObject
from comus_core.proposals.mask_edits import grown
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of

pytestmark = pytest.mark.readers
HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-readers" / "bin" / "python"
NAMES = {0: "bird", 1: "fire, engine", 2: "名 🐟"}
LARGE, ENOUGH = 400, 0.98  # pixels; IoU of a polygon with the mask that it is the outline of


@pytest.fixture(scope="module")
def place(finished, tmp_path_factory):
    """(workspace, run, folder): a mask with a hole, one of two parts, one erased, two objects of a name in an image."""
    folder = tmp_path_factory.mktemp("readers")
    workspace, run = copy_of(finished, folder)
    view = open_run_view(workspace, run)
    for category, name in NAMES.items():
        curation.rename(view, category, name)
    first, second, third = (str(p) for p in view.proposals.proposal_id[:3])
    curation.redraw(view, first, view.proposals.mask(0) & ~grown(centre(view.proposals.mask(0)), 4))
    halves = view.proposals.mask(1).copy()
    middle = int(halves.any(axis=0).nonzero()[0].mean())
    halves[:, middle : middle + 3] = False
    curation.redraw(view, second, halves)
    curation.erase(view, [third])
    image = str(view.proposals.image_id[4])
    category = int(view.categories(workspace.decisions_of(run)).id_of[4])
    corner = np.zeros(view.proposals.mask(4).shape, bool)
    corner[-25:, -25:] = ~view.proposals.mask(4)[-25:, -25:]
    curation.draw(view, image, [NewObject(corner, category)])
    return workspace, run, folder


def centre(mask):
    point = mask & False
    rows, columns = mask.nonzero()
    point[int(rows.mean()), int(columns.mean())] = True
    return point


@pytest.fixture(scope="module")
def truth(place):
    """[(image, stable id of its category, mask)] of every object as decided."""
    workspace, run, _ = place
    objects = decided_objects(open_run_view(workspace, run), workspace.decisions_of(run))
    found = [
        (Path(objects.masks.image_id[row]).stem, int(objects.id_of[row]), objects.masks.mask(row))
        for row in np.flatnonzero(objects.used)
    ]
    most = max(Counter((image, category) for image, category, _ in found).values())
    assert len(found) == 28 and most == 2
    return found


def exported(place, name, **settings):
    """The folder of an export, and the names in it by stable id."""
    workspace, run, folder = place
    out = folder / "-".join([name, *settings.values()])
    result = export_run(find_round(workspace, run.id, 0), workspace, ExportSettings(name, str(out), **settings))
    return out, {category["id"]: category["name"] for category in result.categories}


def read(tool, *arguments):
    """[(image, name, mask or None, box or None)] that a tool reads."""
    assert PYTHON.is_file(), f"{PYTHON} is missing: `make test-readers` makes it"
    out = Path(arguments[-1]).with_suffix(f".{tool}.npz")
    command = [str(PYTHON), str(HERE / f"read_with_{tool}.py"), *map(str, arguments), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stderr[-3000:]}"
    with np.load(out) as content:
        rows = json.loads(str(content["rows"]))
        masks = {name: content[name] for name in content.files}
    return [(row["image"], row["name"], masks.get(f"mask_{k}"), row["box"]) for k, row in enumerate(rows)]


def assert_equal_masks(found, truth, names):
    """The same objects, their masks equal to the bit."""
    expected = [(image, names[category], mask.shape, mask.tobytes()) for image, category, mask in truth]
    assert sorted((i, n, m.shape, m.tobytes()) for i, n, m, _ in found if m is not None) == sorted(expected)


def assert_alike_masks(found, truth, names):
    """The same objects by image and name; those of more than 400 pixels have an IoU of 0.98 and more."""
    expected, seen = {}, {}
    for image, category, mask in truth:
        expected[image, names[category]] = expected.get((image, names[category]), False) | mask
    for image, name, mask, _ in found:
        seen[image, name] = seen.get((image, name), False) | mask
    assert set(seen) == set(expected)
    for key, mask in expected.items():
        iou = (mask & seen[key]).sum() / (mask | seen[key]).sum()
        assert iou >= ENOUGH or mask.sum() <= LARGE, f"{key}: IoU {iou:.3f} of {mask.sum()} pixels"


def box_of(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]


def assert_equal_boxes(found, truth, names, change=lambda box: box):
    """The same objects and boxes; YOLO's are rounded to 1e-6 of the image."""
    expected = sorted((image, names[category], *change(box_of(mask))) for image, category, mask in truth)
    boxes = sorted((i, n, *(round(v, 2) for v in b)) for i, n, _, b in found if b is not None)
    assert [row[:2] for row in boxes] == [row[:2] for row in expected]
    assert np.allclose([row[2:] for row in boxes], [row[2:] for row in expected], atol=0.01)


def test_datumaro_reads_coco_bit_by_bit(place, truth):
    out, names = exported(place, "coco")
    found = read("datumaro", "coco", out)
    assert_equal_masks(found, truth, names)
    assert_equal_boxes(found, truth, names)


def test_datumaro_fills_the_polygons_of_coco(place, truth):
    out, names = exported(place, "coco", masks="polygons")
    assert_alike_masks([row for row in read("datumaro", "coco", out) if row[3] is None], truth, names)


def test_datumaro_reads_voc_bit_by_bit(place, truth):
    out, names = exported(place, "voc")
    assert names[1] == "fire_ engine"  # labelmap.txt separates by commas
    assert_equal_masks(read("datumaro", "voc_segmentation", out), truth, names)
    # datumaro keeps the corners of VOC as they are: counted from 1, both inclusive
    inclusive = lambda box: [box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1]  # noqa: E731
    assert_equal_boxes(read("datumaro", "voc_detection", out), truth, names, inclusive)


def test_datumaro_reads_the_boxes_of_yolo(place, truth):
    out, names = exported(place, "yolo-detect")
    assert_equal_boxes(read("datumaro", "yolo", out), truth, names)


def test_datumaro_reads_cvat_bit_by_bit(place, truth):
    out, names = exported(place, "cvat")
    assert_equal_masks(read("datumaro", "cvat", out), truth, names)


def test_datumaro_fills_the_polygons_of_cvat(place, truth):
    out, names = exported(place, "cvat", masks="polygons")
    assert_alike_masks(read("datumaro", "cvat", out), truth, names)


def test_the_converter_of_label_studio_reads_brushes_bit_by_bit(place, truth):
    out, names = exported(place, "label-studio")
    assert_equal_masks(read("label_studio", "BRUSH_TO_NUMPY", out), truth, names)


def test_the_converter_of_label_studio_reads_polygons(place, truth):
    out, names = exported(place, "label-studio", masks="polygons")
    assert_alike_masks(read("label_studio", "COCO", out), truth, names)


def test_labelme_reads_masks_bit_by_bit(place, truth):
    out, names = exported(place, "labelme", masks="rle")
    assert_equal_masks(read("labelme", out), truth, names)


def test_labelme_fills_polygons(place, truth):
    out, names = exported(place, "labelme")
    found = read("labelme", out)
    assert len(found) == len(truth)
    assert_alike_masks(found, truth, names)

"""Every format as its own tool writes it, drawn here without the program's writers: the run is found again in it."""

import base64
import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from comus_core import ImportSettings, curation
from comus_core.export.import_planning import plan_import
from comus_core.imports.formats import READERS, read_file
from comus_core.runs.run_view import open_run_view
from tests.imports.writing import coco, objects_of, write


@pytest.fixture(scope="module")
def view(finished):
    return open_run_view(*finished)


def plan_of(view, path, name=None, **settings):
    return plan_import(
        view,
        curation.decided_in(view),
        read_file(path, name),
        ImportSettings(str(path), **{"missing": "remove"} | settings),
    )


def by_image(view):
    found = {str(i): [] for i in view.image_ids}
    for proposal, image_id, category, mask in objects_of(view):
        found[image_id].append((proposal, category, mask))
    return found


def names(view):
    decided = curation.decided_in(view)
    return {k: decided.name_of(k) for k in view.labels(decided).ids}


def contours(mask):
    """Corner points of each part, as OpenCV finds them: through the centres of the pixels at the edge."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [contour.reshape(-1, 2).astype(float) for contour in found if len(contour) >= 3]


def write_coco_polygons(view, folder):
    content = coco(view, ids=False)
    for entry, (_, _, _, mask) in zip(content["annotations"], objects_of(view), strict=True):
        entry["segmentation"] = [(contour + 0.5).ravel().tolist() for contour in contours(mask)]
    return write(folder / "instances.json", content)


def write_voc(view, folder):
    for name in ("SegmentationClass", "SegmentationObject", "JPEGImages"):
        (folder / name).mkdir()
    known = sorted(names(view))
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    (folder / "labelmap.txt").write_text("\n".join([*lines, *(f"{names(view)[k]}:{k + 1},0,9::" for k in known)]))
    for image_id, objects in by_image(view).items():
        height, width = (int(v) for v in view.image_sizes[view.image_row_of[image_id]])
        of_class, of_object = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
        for number, (_, category, mask) in enumerate(objects, 1):
            of_class[mask], of_object[mask] = known.index(category) + 1, number
        stem = image_id.rpartition("/")[2].rpartition(".")[0]
        Image.fromarray(of_class).save(folder / "SegmentationClass" / f"{stem}.png")
        Image.fromarray(of_object).save(folder / "SegmentationObject" / f"{stem}.png")
        (folder / "JPEGImages" / f"{stem}.jpg").write_bytes(b"")
    return folder


def write_index_masks(view, folder):
    (folder / "masks").mkdir()
    known = sorted(names(view))
    (folder / "classes.txt").write_text("\n".join(["background", *(names(view)[k] for k in known)]))
    for image_id, objects in by_image(view).items():
        index = np.zeros([int(v) for v in view.image_sizes[view.image_row_of[image_id]]], np.uint8)
        for _, category, mask in objects:
            index[mask] = known.index(category) + 1
        stem = image_id.rpartition("/")[2].rpartition(".")[0]
        Image.fromarray(index).save(folder / "masks" / f"{stem}.png")
    return folder


def write_yolo(view, folder, boxes=False):
    (folder / "labels").mkdir()
    known = sorted(names(view))
    (folder / "data.yaml").write_text(json.dumps({"names": [names(view)[k] for k in known]}))
    for image_id, objects in by_image(view).items():
        height, width = view.image_sizes[view.image_row_of[image_id]]
        lines = []
        for _, category, mask in objects:
            if boxes:
                x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
                values = [(x + w / 2) / width, (y + h / 2) / height, w / width, h / height]
            else:
                values = ((contours(mask)[0] + 0.5) / [width, height]).ravel()
            lines.append(" ".join([str(known.index(category)), *(f"{v:.6f}" for v in values)]))
        stem = image_id.rpartition("/")[2].rpartition(".")[0]
        (folder / "labels" / f"{stem}.txt").write_text("\n".join(lines))
    return folder


def write_yolo_boxes(view, folder):
    return write_yolo(view, folder, boxes=True)


def brush(mask):
    """Label Studio's code as its own converter packs it: words of 8 bits, runs of 3, 4, 8 or 16 bits; here 16 alone."""
    flat = np.repeat(np.where(mask.ravel(), 255, 0), 4)
    bits = f"{len(flat):032b}{7:05b}" + f"{2:04b}{3:04b}{7:04b}{15:04b}"
    start = 0
    while start < len(flat):
        end = start + 1
        while end < len(flat) and flat[end] == flat[start] and end - start < 65536:
            end += 1
        bits += f"1{3:02b}{end - start - 1:016b}{int(flat[start]):08b}"
        start = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[k : k + 8], 2) for k in range(0, len(bits), 8)]


def write_label_studio(view, folder):
    tasks = []
    for number, (image_id, objects) in enumerate(by_image(view).items(), 1):
        height, width = (int(v) for v in view.image_sizes[view.image_row_of[image_id]])
        size = {"original_width": width, "original_height": height, "image_rotation": 0}
        regions = []
        for k, (_, category, mask) in enumerate(objects):
            value = {"format": "rle", "rle": brush(mask), "brushlabels": [names(view)[category]]}
            regions.append({"id": f"r{k}", "type": "brushlabels", "value": value, **size})
        name = image_id.rpartition("/")[2]
        data = {"image": f"/data/upload/3/0a1b2c3d-{name}"}
        tasks.append({"id": number, "data": data, "annotations": [{"id": 1, "result": regions}]})
    return write(folder / "tasks.json", tasks)


def write_cvat(view, folder):
    lines = ["<?xml version='1.0'?>", "<annotations><version>1.1</version><meta><job><labels>"]
    lines += [f"<label><name>{name}</name></label>" for name in names(view).values()]
    lines.append("</labels></job></meta>")
    for number, (image_id, objects) in enumerate(by_image(view).items()):
        height, width = view.image_sizes[view.image_row_of[image_id]]
        lines.append(f'<image id="{number}" name="{image_id}" width="{width}" height="{height}">')
        for _, category, mask in objects:
            x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
            flat = np.concatenate([[0], mask[y : y + h, x : x + w].ravel().astype(int), [-1]])
            ends = np.flatnonzero(np.diff(flat))
            runs = np.diff(np.concatenate([[0], ends])).tolist()
            words = ", ".join(map(str, runs))
            label = names(view)[category]
            lines.append(f'<mask label="{label}" rle="{words}" left="{x}" top="{y}" width="{w}" height="{h}"></mask>')
        lines.append("</image>")
    (folder / "annotations.xml").write_text("\n".join([*lines, "</annotations>"]))
    return folder / "annotations.xml"


def write_labelme(view, folder, kind="polygon"):
    for image_id, objects in by_image(view).items():
        height, width = (int(v) for v in view.image_sizes[view.image_row_of[image_id]])
        shapes = []
        for number, (_, category, mask) in enumerate(objects):
            shape = {"label": names(view)[category], "group_id": number, "flags": {}, "shape_type": kind}
            if kind == "polygon":
                shapes += [{**shape, "points": contour.tolist()} for contour in contours(mask)]
            else:
                x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
                file = io.BytesIO()
                Image.fromarray(mask[y : y + h, x : x + w]).save(file, "PNG")
                code = base64.b64encode(file.getvalue()).decode()
                shapes.append({**shape, "points": [[x, y], [x + w - 1, y + h - 1]], "mask": code})
        name = image_id.rpartition("/")[2]
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": f"..\\photos\\{name}"}
        content |= {"imageHeight": height, "imageWidth": width, "imageData": None}
        write(folder / f"{name}.json", content)
    return folder


def write_labelme_masks(view, folder):
    return write_labelme(view, folder, "mask")


def write_csv(view, folder):
    lines = ["proposal_id;category"]
    lines += [f"{proposal};{names(view)[category]}" for proposal, _, category, _ in objects_of(view)]
    (folder / "objects.csv").write_text("\n".join(lines))
    return folder / "objects.csv"


WRITERS = {
    write_coco_polygons: "coco",
    write_voc: "voc",
    write_index_masks: "index-masks",
    write_yolo: "yolo",
    write_yolo_boxes: "yolo",
    write_label_studio: "label-studio",
    write_cvat: "cvat",
    write_labelme: "labelme",
    write_labelme_masks: "labelme",
    write_csv: "csv",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_the_run_is_found_again_in_every_format_and_nothing_has_changed(view, tmp_path, writer):
    path = writer(view, tmp_path)
    plan = plan_of(view, path)
    assert plan.format == WRITERS[writer]
    assert plan.changes_nothing, plan.lines()
    assert plan.problems == () and plan.objects == plan.unchanged == len(view)


def test_every_reader_is_tried():
    assert {*WRITERS.values()} == {*READERS}


def test_masks_drawn_by_a_format_that_is_exact_are_equal_to_the_bit(view, tmp_path):
    """A pixel less in one mask is a change in run lengths, and none in a polygon."""
    image_id, objects = next((i, o) for i, o in by_image(view).items() if o)
    content = coco(view, lambda p, m: m if p != objects[0][0] else _without_a_pixel(m), ids=False)
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert [(c.proposal, c.area - c.new_area) for c in plan.changed] == [(objects[0][0], 1)] and image_id


def _without_a_pixel(mask):
    less = mask.copy()
    y, x = np.argwhere(mask)[0]
    less[y, x] = False
    return less


def test_a_box_names_its_object_and_only_by_request_becomes_a_mask(view, tmp_path):
    path = write_yolo_boxes(view, tmp_path)
    named = plan_of(view, path)
    assert named.boxes == len(view) and not named.changes_masks
    filled = plan_of(view, path, boxes="fill")
    discs = [c for c in filled.changed if c.new_area > c.area]
    assert discs and filled.boxes == 0 and not filled.new and not filled.removed


def test_pixels_of_a_category_are_shared_out_among_its_objects(view, tmp_path):
    """An index mask grown by hand around an object changes that object; what lies apart is a new one."""
    folder = write_index_masks(view, tmp_path)
    image_id, objects = next((i, o) for i, o in by_image(view).items() if o)
    file = folder / "masks" / f"{image_id.rpartition('/')[2].rpartition('.')[0]}.png"
    index = np.asarray(Image.open(file)).copy()
    value = int(index.max())
    grown = cv2.dilate(index, np.ones((5, 5), np.uint8))
    away = np.argwhere(cv2.dilate(grown, np.ones((9, 9), np.uint8)) == 0)[0]
    grown[away[0] : away[0] + 3, away[1] : away[1] + 3] = value
    Image.fromarray(grown).save(file)
    plan = plan_of(view, folder)
    assert [c.proposal for c in plan.changed] == [objects[0][0]] and plan.changed[0].new_area > plan.changed[0].area
    assert [(n.image, n.area <= 9) for n in plan.new] == [(image_id, True)] and not plan.removed


def test_ignored_pixels_say_nothing_about_the_object_below(view, tmp_path):
    folder = write_index_masks(view, tmp_path)
    image_id, _ = next((i, o) for i, o in by_image(view).items() if o)
    file = folder / "masks" / f"{image_id.rpartition('/')[2].rpartition('.')[0]}.png"
    index = np.asarray(Image.open(file)).copy()
    index[index > 0] = 255
    Image.fromarray(index).save(file)
    plan = plan_of(view, folder)
    assert plan.changes_nothing and plan.objects == len(view) - 1


def test_a_csv_of_names_renames_clusters(view, tmp_path):
    path = tmp_path / "names.csv"
    path.write_text('id,name,size\n1,"kite, blue",9\n77,nothing,1\nx,wrong,1\n')
    plan = plan_of(view, path)
    assert [(r.category, r.new_name) for r in plan.renamed] == [(1, "kite, blue")]
    assert [p.value for p in plan.problems] == ["line 4", "line 3"]
    assert "'x' is not the id of a cluster" in plan.problems[0].message


def test_a_name_that_all_objects_of_a_category_bear_renames_it_and_else_makes_a_new_one(view, tmp_path):
    folder = write_labelme_masks(view, tmp_path)
    old = names(view)[0]

    def relabel(most):
        left = most
        for path in sorted(folder.glob("*.json")):
            content = json.loads(path.read_text())
            for shape in content["shapes"]:
                if shape["label"] == old and left > 0:
                    shape["label"], left = "balloon", left - 1
            path.write_text(json.dumps(content))

    relabel(1)
    plan = plan_of(view, folder)
    assert plan.created == {"balloon": 1} and not plan.renamed and len(plan.moved) == 1
    relabel(10**6)
    plan = plan_of(view, folder)
    assert [(r.category, r.new_name) for r in plan.renamed] == [(0, "balloon")]
    assert not plan.created and not plan.moved

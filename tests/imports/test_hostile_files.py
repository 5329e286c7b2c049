"""Files that are damaged, odd or lie: each fault is a sentence with file and value, and what is right is kept."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from comus_core import ImportSettings, curation
from comus_core.errors import SettingsError
from comus_core.export.import_planning import plan_import
from comus_core.imports.formats import read_file
from comus_core.runs.run_view import open_run_view
from tests.imports.writing import coco, rle, write


@pytest.fixture(scope="module")
def view(finished):
    return open_run_view(*finished)


def plan_of(view, path, name=None, **settings):
    decided = curation.decided_in(view)
    return plan_import(
        view, decided, read_file(path, name), ImportSettings(str(path), **{"missing": "remove"} | settings)
    )


def messages(plan):
    return [f"{p.value}: {p.message}" for p in plan.problems]


def test_string_ids_floats_crowd_lists_and_categories_out_of_order_mean_the_same(view, tmp_path):
    content = coco(view, ids=False)
    content["categories"].reverse()
    for image in content["images"]:
        image["id"], image["height"] = f"img-{image['id']}", float(image["height"])
    for entry in content["annotations"]:
        entry["image_id"], entry["category_id"] = f"img-{entry['image_id']}", float(entry["category_id"])
        mask = rle_to_mask(entry["segmentation"])
        flat = np.concatenate([[0], mask.T.ravel().astype(int), [-1]])
        ends = np.flatnonzero(np.diff(flat))
        counts = [float(n) for n in np.diff(np.concatenate([[0], ends]))]
        entry |= {"iscrowd": 1, "segmentation": {"size": [float(v) for v in mask.shape], "counts": counts}}
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert plan.changes_nothing and plan.problems == () and plan.unchanged == len(view)


def rle_to_mask(code):
    from pycocotools import mask as coco_mask

    return coco_mask.decode({**code, "counts": code["counts"].encode()}).astype(bool)


def test_each_fault_of_a_coco_file_is_named_and_the_rest_is_read(view, tmp_path):
    content = coco(view)
    entries = content["annotations"]
    size = entries[0]["segmentation"]["size"]
    entries[0]["segmentation"] = {"size": [size[0] + 9, size[1]], "counts": entries[0]["segmentation"]["counts"]}
    entries[1]["segmentation"] = {"size": entries[1]["segmentation"]["size"], "counts": "~~~"}
    entries[2]["segmentation"] = [[1, 2, 3]]
    entries[3]["image_id"] = 4711
    entries[4]["category_id"] = 99
    entries.append("nonsense")
    content["images"].append({"id": 5000})
    plan = plan_of(view, write(tmp_path / "a.json", content))
    said = messages(plan)
    for words in (
        f"annotation 1: its mask has {size[0] + 9} x {size[1]} pixels (height x width), its image {size[0]} x",
        "annotation 2: its run lengths cannot be read",
        "annotation 3: it has neither a segmentation of three corners or more nor a box",
        "annotation 4: it is of image 4711, which the file does not list; left out",
        "annotation 5: category 99 is not in the list of categories; only its mask is read",
        f"annotation {len(entries)}: 'nonsense' is no entry of an object",
        "image id 5000: it has no file_name; add it",
    ):
        assert any(words in line for line in said), (words, said)
    assert all(p.file.endswith("a.json") for p in plan.problems)
    assert not plan.changed and not plan.new and not plan.moved
    assert [r.proposal for r in plan.removed] == [entries[3]["comus_id"]]  # its image is there, and says nothing of it
    assert plan.unchanged == len(view) - 4


def test_an_image_of_another_size_or_that_is_not_there_is_left_out_with_its_objects(view, tmp_path):
    content = coco(view)
    first, second = content["images"][:2]
    first["width"] += 1
    second["file_name"] = "gone/nothing.jpg"
    plan = plan_of(view, write(tmp_path / "a.json", content))
    said = messages(plan)
    assert any("pixels (height x width) in the file" in line and "with its object" in line for line in said)
    assert any(line.startswith("gone/nothing.jpg: no image of the run has this name; left out") for line in said)
    assert not plan.removed and plan.unchanged == len(view) - 2


def test_two_references_to_one_image_are_not_mixed(view, tmp_path):
    content = coco(view)
    content["images"].append(
        {**content["images"][0], "id": 9000, "file_name": "/copy/" + content["images"][0]["file_name"]}
    )
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert "fits the same image of the run" in messages(plan)[0] and plan.changes_nothing


def test_two_categories_of_one_name(finished, tmp_path):
    from tests.builders import copy_of

    workspace, run = copy_of(finished, tmp_path / "copy")
    view = open_run_view(workspace, run)
    for k in (0, 1):
        curation.rename(view, k, "dog")
    content = coco(view)
    plan = plan_of(view, write(tmp_path / "same.json", content))
    assert plan.changes_nothing and plan.problems == ()
    other = next(e for e in content["annotations"] if e["category_id"] == 3)
    other["category_id"] = 1
    plan = plan_of(view, write(tmp_path / "b.json", content))
    assert not plan.moved
    assert "2 categories of the run are called 'dog' (0 and 1); rename one, then import again" in messages(plan)[0]


def test_masks_without_common_pixels_the_drawn_one_keeps_them(view, tmp_path):
    """Two objects of the file claim the same pixels: the first keeps them; one that is covered is listed."""
    content = coco(view)
    first = content["annotations"][0]
    mask = rle_to_mask(first["segmentation"])
    content["annotations"].append({**first, "id": 9000, "comus_id": None, "segmentation": rle(mask)})
    wider = np.zeros_like(mask)
    wider[:12, :12] = True
    wider |= mask
    content["annotations"].append({**first, "id": 9001, "comus_id": None, "segmentation": rle(wider)})
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert len(plan.new) == 2
    assert any(t.proposal == first["comus_id"] for t in plan.trimmed) and plan.trimmed[0].left == 0
    masks = [rle_to_mask({"size": list(mask.shape), "counts": p.rle}) for p in plan.masks[plan.new[0].image]]
    assert np.max(np.sum(masks, axis=0)) == 1


def test_an_id_that_is_there_twice_is_that_of_the_more_similar_mask(view, tmp_path):
    content = coco(view)
    first = content["annotations"][0]
    mask = rle_to_mask(first["segmentation"])
    other = np.zeros_like(mask)
    other[:6, :6] = True
    content["annotations"].insert(0, {**first, "id": 9000, "segmentation": rle(other & ~mask)})
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert len(plan.new) == 1 and not plan.changed and not plan.removed
    assert any("has the same id; this one is taken for a new object" in line for line in messages(plan))


def test_a_half_written_zip_and_damaged_members(view, tmp_path):
    whole = tmp_path / "a.zip"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("annotations/instances.json", json.dumps(coco(view)))
        file.writestr("annotations/other.json", '{"images": [')
        file.writestr("__MACOSX/annotations/._instances.json", b"\0\5")
    plan = plan_of(view, whole)
    assert plan.changes_nothing and len(plan.problems) == 1
    assert plan.problems[0].file.endswith("a.zip!annotations/other.json")
    assert "it is not whole JSON" in plan.problems[0].message
    half = tmp_path / "half.zip"
    half.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(SettingsError, match=r"the zip is not whole .*copy or export it again"):
        read_file(half)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", b"{", "no format recognises it"),
        ("a.json", b"[]", "no format recognises it"),
        ("a.txt", b"hello", "no format recognises it"),
        ("a.xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><annotations></annotations>", "document type definition"),
        ("a.xml", b"<annotations><image></annotations>", "not whole XML"),
        ("a.json", b'{"images": [], "annotations": [{"segments_info": []}]}', "COCO panoptic .* is not read"),
        ("a.csv", b"id,size\n1,2\n", "no format recognises it"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_sentence(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        read_file(tmp_path / name)


def test_a_format_that_is_named_and_does_not_fit(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(SettingsError, match="as coco: no JSON file has the lists images and annotations"):
        read_file(tmp_path / "a.json", "coco")
    with pytest.raises(SettingsError, match="format 'koko': choose one of coco, label-studio"):
        read_file(tmp_path / "a.json", "koko")
    with pytest.raises(SettingsError, match="No such file or directory; name a file, a folder or a zip"):
        read_file(tmp_path / "none.json")


def test_lines_of_yolo_that_are_no_objects(view, tmp_path):
    (tmp_path / "labels").mkdir()
    stem = str(view.image_ids[0]).rpartition("/")[2].rpartition(".")[0]
    lines = ["0 0.5 0.5", "x 0.1 0.2 0.3 0.4", "0 50 60 10 10", "0 nan 0.1 0.2 0.3", "7 0.5 0.5 0.2 0.2", ""]
    (tmp_path / "labels" / f"{stem}.txt").write_text("\n".join(lines))
    (tmp_path / "data.yaml").write_text("names: [a, b]\n")
    plan = plan_of(view, tmp_path)
    said = messages(plan)
    for words in (
        "line 1: 2 numbers are neither a box nor a polygon",
        "line 2: 'x 0.1 0.2 0.3 0.4' is not a class and numbers",
        "line 3: its coordinates are not shares of the image from 0 to 1",
        "line 4: '0 nan 0.1 0.2 0.3' is not a class and numbers",
        "line 5: class 7 has no name in data.yaml or classes.txt; only its mask is read",
    ):
        assert any(words in line for line in said), (words, said)
    assert not plan.removed  # lines that cannot be read may be the objects that are missing


def test_brushes_and_masks_that_lie_about_their_size(view, tmp_path):
    size = {"original_width": 10, "original_height": 10}
    values = [[1, 2, 3], "text", [300], [0, 0, 1, 144, 57] + [0] * 3]
    name = str(view.image_ids[0])
    height, width = (int(v) for v in view.image_sizes[0])
    regions = [
        {"id": str(k), "type": "brushlabels", "value": {"format": "rle", "rle": v}, **size}
        for k, v in enumerate(values)
    ]
    regions[0] |= {"original_width": 10**6, "original_height": 10**6}
    tasks = [{"data": {"image": name}, "annotations": [{"result": regions}]}]
    read = read_file(write(tmp_path / "a.json", tasks))
    assert len(read.problems) == 4 and read.objects == () and read.unsure == {name}
    shape = {"label": "a", "shape_type": "mask", "points": [[width - 3, 0], [width + 6, 9]], "mask": "AAAA"}
    big = {"label": "a", "shape_type": "point", "points": [[1, 1]]}
    page = {"shapes": [shape, big, 7], "imagePath": name, "imageHeight": height, "imageWidth": width}
    read = read_file(write(tmp_path / "b.json", page))
    assert [p.value for p in read.problems] == ["shape 1", "shape 2", "shape 3"]
    line = (
        f'<image name="{name}" width="{width}" height="{height}"><mask label="a" rle="5, 20" left="{width - 2}" top="0"'
    )
    (tmp_path / "c.xml").write_text(f'<annotations>{line} width="5" height="5"></mask></image></annotations>')
    read = read_file(tmp_path / "c.xml")
    assert "reaches beyond its image" in read.problems[0].message


def test_index_masks_with_unlisted_indices_and_damaged_files(view, tmp_path):
    (tmp_path / "masks").mkdir()
    (tmp_path / "classes.txt").write_text("background\ndisc\n")
    height, width = (int(v) for v in view.image_sizes[0])
    index = np.zeros((height, width), np.uint8)
    index[:20, :20] = 9
    stems = [str(i).rpartition("/")[2].rpartition(".")[0] for i in view.image_ids[:2]]
    Image.fromarray(index).save(tmp_path / "masks" / f"{stems[0]}.png")
    (tmp_path / "masks" / f"{stems[1]}.png").write_bytes(b"\x89PNG broken")
    plan = plan_of(view, tmp_path)
    said = messages(plan)
    assert any("index 9: it is in no list of classes; only its mask is read" in line for line in said)
    assert any("cannot be read" in line for line in said)
    inside = view.rows_of_image[str(view.image_ids[0])]
    assert [r.proposal for r in plan.removed] == [str(view.proposals.proposal_id[row]) for row in inside] != []


def test_names_of_any_letters_are_kept(view, tmp_path):
    odd = ["a, b", "=1+1", "..", "line\nbreak", "🦊"]
    content = coco(view)
    content["categories"] += [{"id": 100 + k, "name": name} for k, name in enumerate(odd)]
    for k, entry in enumerate(content["annotations"][: len(odd)]):
        entry["category_id"] = 100 + k
    plan = plan_of(view, write(tmp_path / "a.json", content))
    assert sorted(plan.created) == sorted(["a, b", "=1+1", "..", "line break", "🦊"])

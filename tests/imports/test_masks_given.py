import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import ComusError
from comus_core.runs.run_view import open_run_view
from tests.imports.writing import coco, objects_of, write


def halves(mask):
    """A mask as its left and its right half."""
    middle = int(np.flatnonzero(mask.any(axis=0)).mean())
    left = mask.copy()
    left[:, middle:] = False
    return left, mask & ~left


@pytest.fixture
def folder(encoded_run, tmp_path):
    """The images of the run without their masks."""
    workspace, run = encoded_run
    shutil.copytree(workspace.images_root(run) / "images", tmp_path / "photos")
    return tmp_path / "photos"


def test_a_run_starts_from_the_masks_of_a_file(encoded_run, folder, tmp_path):
    """Two objects an image: the run has exactly these, and clusters among them; the same file is the same run."""
    view = open_run_view(*encoded_run)
    content, wanted = coco(view, ids=False), {}
    from tests.imports.writing import rle

    content["annotations"] = []
    number = {i["file_name"].removeprefix("images/"): i["id"] for i in content["images"]}
    for _, image_id, _, mask in objects_of(view):
        name = image_id.removeprefix("images/")
        wanted[name] = [half for half in halves(mask) if half.any()]
        for half in wanted[name]:
            entry = {"id": len(content["annotations"]) + 1, "image_id": number[name], "category_id": 1}
            content["annotations"].append(entry | {"segmentation": rle(half)})
    content["annotations"].append({"id": 9999, "image_id": 4711, "category_id": 1, "segmentation": []})
    path, file = write(tmp_path / "instances.json", content), tmp_path / "result.json"
    words = ["run", str(folder), "--masks-from", str(path), "--encoder", "efficientnet-lite0", "--clusters", "3"]
    words += ["--set", "clustering.neighbours=6", "--device", "cpu", "--workspace", str(tmp_path / "w")]
    done = CliRunner().invoke(cli, [*words, "--json", str(file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "annotation 9999: it is of image 4711, which the file does not list; left out" in done.output
    result = json.loads(file.read_text())
    workspace = open_workspace(tmp_path / "w")
    found = open_run_view(workspace, workspace.runs.get(result["run"]))
    masks = {}
    for _, image_id, _, mask in objects_of(found):
        masks.setdefault(image_id, []).append(mask)
    assert sorted(masks) == sorted(wanted)
    assert all(np.array_equal(a, b) for i in wanted for a, b in zip(masks[i], wanted[i], strict=True))
    assert result["supervision"]["direct"] == "masks" and result["clusters"] == 3
    again = CliRunner().invoke(cli, [*words, "--json", str(file)], catch_exceptions=False)
    assert json.loads(file.read_text())["run"] == result["run"] and again.exit_code == 0
    assert json.loads(file.read_text())["computed"] == []


def test_a_file_without_masks_of_these_images_is_refused_with_what_it_names(encoded_run, folder, tmp_path):
    content = coco(open_run_view(*encoded_run), ids=False)
    for image in content["images"]:
        image["file_name"] = f"elsewhere/other-{image['id']}.jpg"
    path = write(tmp_path / "a.json", content)
    config = make_config(
        dataset=str(folder), saliency={"detector": f"annotations:{path}"}, features={"encoder": "efficientnet-lite0"}
    )
    with pytest.raises(ComusError, match=r"no object in any of the 24 images: .*elsewhere/other-1\.jpg: no image"):
        discover(config, open_workspace(tmp_path / "w"), device="cpu")

"""The list of classes that a prediction writes is one that the program reads."""

import shutil

import numpy as np
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.datasets.class_lists import read_classes
from comus_core.datasets.dataset import open_dataset
from tests.builders import draw_folder, predict_images


def test_predictions_with_any_names_are_a_data_set_of_their_own(tmp_path):
    known, workspace = draw_folder(tmp_path / "known", count=12, empty=0), open_workspace(tmp_path / "work")
    settings = {
        "dataset": str(known / "images"),
        "saliency": {"detector": f"masks:{known / 'masks'}"},
        "features": {"encoder": "efficientnet-lite0"},
        "clustering": {"clusters": 3, "neighbours": 4},
    }
    run, out = discover(make_config(**settings), workspace), tmp_path / "set"
    for cluster, name in enumerate(["grey\nwolf", "background", "grey wolf"]):
        workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=cluster, name=name)
    result = predict_images(run, 0, [known / "images"], workspace, out)
    assert [c["name"] for c in result["categories"]] == ["grey wolf", "background", "grey wolf"]
    names = ("background", "grey wolf", "background (2)", "grey wolf (2)")
    assert read_classes(out / "classes.txt").classes == names
    shutil.copytree(known / "images", out / "images")
    truth = open_dataset(str(out), tmp_path).truth
    assert truth.classes == names
    for row in result["predictions"]:
        mask = np.asarray(Image.open(out / row["mask"]))
        np.testing.assert_array_equal(truth.mask(f"images/{row['image']}"), mask)

"""Folders of classes: an image's class is its folder; clusters are scored by it without any pixel."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core import TableSettings, discover, evaluate, make_config, open_workspace, paper_table
from comus_core.config import ClusteringSettings, FeatureSettings
from comus_core.datasets.dataset import absolute, open_dataset, parse_dataset, summarise
from comus_core.errors import DatasetError
from comus_core.evaluation.cluster_quality import NO_CLASS, image_classes_of
from comus_core.pipelines.verb_settings import DiscoverSettings, EvaluateSettings
from comus_core.runs.run_round import RunRound
from comus_core.saliency.detectors import load_detector
from tests.builders import CLASSES, draw_folder


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """24 drawn images of one object each, in a folder for each class, with vectors of the whole images."""
    root = tmp_path_factory.mktemp("classes")
    drawn = draw_folder(root / "drawn", count=24, empty=0)
    for number, path in enumerate(sorted((drawn / "images").iterdir())):
        folder = root / "folders" / CLASSES[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(path, folder / path.name)
    return root / "folders"


@pytest.fixture(scope="module")
def vectors(classes):
    """One direction for each class; two images have that of another."""
    rng = np.random.default_rng(0)
    files = sorted(path.relative_to(classes).as_posix() for path in classes.rglob("*.png"))
    of = [CLASSES.index(name.partition("/")[0]) for name in files]
    of[0], of[5] = (of[0] + 1) % 3, (of[5] + 2) % 3
    features = 4 * np.eye(3, 8)[of] + 0.1 * rng.standard_normal((len(files), 8))
    file = classes.parent / "vectors.npz"
    np.savez(file, proposal_id=np.array([f"{name}#0" for name in files]), features=features.astype(np.float32))
    return file


def test_the_class_of_an_image_is_its_folder(classes, tmp_path):
    spec = f"classes:{classes}"
    assert str(parse_dataset(spec)) == spec and absolute(spec) == spec and summarise(spec).images == 24
    dataset = open_dataset(spec, tmp_path)
    known = dataset.image_classes
    assert dataset.truth is None and known.names == tuple(sorted(CLASSES)) and dataset.class_count == 3
    assert all(known.names[known.index_of[file.image_id]] == file.relative.split("/")[0] for file in dataset.files)


def test_images_outside_of_any_class_are_skipped_and_a_single_class_is_refused(classes, tmp_path):
    shutil.copytree(classes, tmp_path / "some")
    Image.new("RGB", (30, 30)).save(tmp_path / "some" / "stray.png")
    dataset = open_dataset(f"classes:{tmp_path / 'some'}", tmp_path)
    assert len(dataset.files) == 24 and [(s.path, s.reason) for s in dataset.skipped] == [
        ("stray.png", "not in the folder of a class")
    ]
    shutil.copytree(classes / CLASSES[0], tmp_path / "one" / CLASSES[0])
    with pytest.raises(DatasetError, match=f"has images in {CLASSES[0]} alone"):
        open_dataset(f"classes:{tmp_path / 'one'}", tmp_path)
    drawn = draw_folder(tmp_path / "masked", count=2, empty=0)
    with pytest.raises(DatasetError, match="its classes are in the masks"):
        open_dataset(f"classes:{drawn}", tmp_path)


def test_a_proposal_is_of_the_class_of_its_image():
    found = image_classes_of(["a/x#1.png#0", "b/y.png#12", "gone#0"], {"a/x#1.png": 0, "b/y.png": 1})
    assert found.tolist() == [0, 1, NO_CLASS]


def test_the_whole_image_is_one_proposal():
    config = make_config(dataset="x", saliency={"detector": "whole-image"})
    [soft] = load_detector(config.saliency).soft_maps([np.zeros((40, 50, 3), np.uint8)], ["a"])
    assert soft.tolist() == [[1.0]]


def test_clusters_are_scored_by_the_classes_of_images(classes, vectors, tmp_path):
    config = make_config(
        dataset=f"classes:{classes}",
        saliency={"detector": "whole-image"},
        features={"encoder": f"file:{vectors}"},
        clustering={"neighbours": 4, "method": "kmeans"},
    )
    workspace = open_workspace(tmp_path / "w")
    run = discover(config, workspace, DiscoverSettings("clustering"), device="cpu")
    assert run.result["clusters"] == 3 == run.result["image_classes"]  # as many as folders, nothing estimated
    assert run.result["evaluation"] is None and run.result["proposals"] == 24
    quality = run.result["cluster_quality"]
    assert quality["proposals"] == 24 and quality["accuracy"] == quality["purity"] == pytest.approx(100 * 22 / 24)
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(), device="cpu")
    assert result["cluster_quality"] == quality and result["evaluation"] is None


def test_table_12_is_of_these_figures(classes, vectors, tmp_path):
    table = TableSettings(
        "12",
        dataset=f"classes:{classes}",
        rows=("k-means of images", "spectral clusters of images"),
        features=FeatureSettings(f"file:{vectors}"),
        clustering=ClusteringSettings(neighbours=4),
    )
    result = paper_table(open_workspace(tmp_path / "w"), table, device="cpu")
    ours = result["rows"]
    assert [row["kind"] for row in ours] == ["measured"] * 2 and result["metric"] == "accuracy"
    assert ours[0]["mean"] == pytest.approx(100 * 22 / 24)
    assert ours[0]["more"]["cluster_quality"]["accuracy"] == ours[0]["mean"] and ours[0]["more"]["clusters"] == 3
    assert json.dumps(result) and "SCAN" in result["left_out"]
    masked = draw_folder(tmp_path / "masked", count=8, empty=0)
    with pytest.raises(DatasetError, match="does not say of which class an image is"):
        paper_table(open_workspace(tmp_path / "v"), replace(table, dataset=str(masked)), device="cpu")

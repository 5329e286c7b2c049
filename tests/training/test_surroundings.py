"""What is around the proposals: encoded once, resumed where it was stopped, and of the very photographs of the run."""

import shutil

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace, stages
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import Cancelled, DatasetError, WorkspaceError
from comus_core.pipelines.train import train
from comus_core.runs import artifact_readers as tables
from comus_core.settings import changed
from comus_core.stages import StageContext
from comus_core.stages.context import VERSIONS
from comus_core.training import TrainSettings, make_training
from comus_core.workspace import Artifact
from tests.training.rounds import TINY, vectors_around

pytestmark = pytest.mark.thorough

SETTINGS = make_training(**TINY | {"rounds": 1, "epochs": 1, "preview_every": 0}, labels={"surroundings": 0.5})


@pytest.fixture(scope="module")
def encoded(drawn, drawn_settings, tmp_path_factory):
    """(workspace, run) of an encoder's features over a copy of the drawn photographs that may be changed."""
    folder = tmp_path_factory.mktemp("around")
    shutil.copytree(drawn, folder / "photographs")
    how = {"dataset": str(folder / "photographs"), "features": {"encoder": "efficientnet-lite0"}}
    how["saliency"] = {"detector": f"masks:{folder / 'photographs' / 'masks'}"}
    workspace = open_workspace(folder / "w")
    return workspace, discover(make_config(**drawn_settings | how), workspace)


def context_of(workspace, run):
    dataset = open_dataset(run.config.dataset, workspace.drawings)
    return StageContext(workspace, dataset, run.config, "cpu", lambda _: None)


def test_each_vector_is_that_of_the_enlarged_crop(encoded):
    workspace, run = encoded
    context, found = context_of(workspace, run), workspace.artifact(run, "proposals")
    made, proposals = stages.surroundings(context, found, 0.5), tables.read_proposals(found)
    vectors = tables.vectors_of(made, proposals.proposal_id[::-1])
    np.testing.assert_allclose(vectors, vectors_around(workspace, run, 0.5)[::-1], atol=1e-4)
    assert stages.surroundings(context, found, 0.0) is None
    assert stages.surroundings(context, found, 1) == stages.surroundings(context, found, 1.0) != made


def test_a_proposal_without_a_vector_is_named(encoded):
    workspace, run = encoded
    made = stages.surroundings(context_of(workspace, run), workspace.artifact(run, "proposals"), 0.5)
    with pytest.raises(WorkspaceError, match=r"proposal nobody has no vector in .*; delete that folder and run again"):
        tables.vectors_of(made, np.array(["nobody"], object))


def test_stopped_in_it_the_training_is_there_and_goes_on(encoded, monkeypatch):
    workspace, run = encoded
    monkeypatch.setitem(VERSIONS, "surroundings", 99)  # as if nothing were there

    def stop(progress):
        if progress.stage == "surroundings":
            raise Cancelled

    with pytest.raises(Cancelled):
        train(run, workspace, TrainSettings(SETTINGS), on_progress=stop)
    [training] = workspace.trainings.of_run(run.id)
    assert training.state == "cancelled" and training.result["rounds"] == []
    done = train(run, workspace, TrainSettings(SETTINGS))
    assert done.id == training.id and done.state == "done" and "classifier" in done.artifacts


@pytest.mark.parametrize("fault", ["has changed", "is gone"])
def test_a_photograph_that_is_not_the_one_of_the_run_is_named(encoded, fault):
    workspace, run = encoded
    image_id = tables.read_proposals(workspace.artifact(run, "proposals")).image_id[0]
    files = open_dataset(run.config.dataset, workspace.drawings).files
    [path] = [file.path for file in files if file.image_id == image_id]
    before, rows = path.read_bytes(), len(workspace.trainings.of_run(run.id))
    with Image.open(path) as photograph:
        black = Image.new("RGB", photograph.size)
    try:
        path.unlink()
        if fault == "has changed":
            black.save(path)
        with pytest.raises(DatasetError, match=f"image {image_id} {fault} since objects were found in it: put"):
            train(run, workspace, TrainSettings(changed(SETTINGS, {"labels.surroundings": 0.25})))
        states = [training.state for training in workspace.trainings.of_run(run.id)]
        # One that is gone is found before the training is begun: its mask lies there without an image.
        assert (states[0], len(states)) == ("failed", rows + 1) if fault == "has changed" else len(states) == rows
    finally:
        path.write_bytes(before)
    stages.require_unchanged(
        workspace.artifact(run, "images"), stages.check_images(context_of(workspace, run)), [image_id]
    )


def test_a_classifier_of_a_version_that_says_less_is_told(encoded, tmp_path):
    workspace, run = encoded
    np.savez(tmp_path / "classifier.npz", weight=np.zeros((3, 4)), bias=np.zeros(3))
    with pytest.raises(WorkspaceError, match="is of another version: train the run again"):
        stages.load_classifier(context_of(workspace, run), Artifact("classifier", "0", tmp_path))

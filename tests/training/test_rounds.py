"""Round after round on drawn photographs: what is trained on what, scored how, and never trained twice."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace, relink
from comus_core.errors import Cancelled, DatasetError, SettingsError, WorkspaceError
from comus_core.evaluation.matching import match
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.maintenance.delete import delete
from comus_core.pipelines.evaluate import evaluate
from comus_core.pipelines.train import train
from comus_core.pipelines.training_cost import training_memory
from comus_core.pipelines.training_record import settings_of
from comus_core.pipelines.verb_settings import EvaluateSettings, RelinkSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import find_round
from comus_core.scoring.round_view import PSEUDO_MASK, open_round_view
from comus_core.training import TrainSettings, make_training
from tests.builders import copy_of, draw_folder
from tests.training.rounds import SETTINGS, TINY

pytestmark = pytest.mark.thorough


def times(workspace):
    return {p: p.stat().st_mtime_ns for p in workspace.root.glob("artifacts/*/*/manifest.json")}


def test_every_round_is_scored_beginning_with_the_runs_own(trained):
    _, run, training = trained
    rounds = training.result["rounds"]
    assert [entry["round"] for entry in rounds] == [0, 1, 2] and training.state == "done"
    assert rounds[0]["miou"] == run.result["evaluation"]["miou"]
    assert all(list(entry["per_class"]) == ["background", "disc", "square", "bar"] for entry in rounds)
    assert all(0 < entry["miou"] <= 100 and entry["seconds"] >= 0 for entry in rounds)
    assert [entry["memory"] is None for entry in rounds] == [True, False, False]
    assert all(50e6 < entry["memory"] < 20e9 and entry["memory_at_most"] is False for entry in rounds[1:])
    assert training.result["memory_estimate"] == training_memory(SETTINGS, 30, "cpu")
    assert training.result["supervision"] == {"direct": "masks", "inherited": "none"}
    assert json.loads(json.dumps(training.result)) == training.result


def test_every_step_is_noted_while_it_trains(trained):
    workspace, _, training = trained
    steps = workspace.trainings.steps(training.id)
    assert {number: [record["step"] for record in records] for number, records in steps.items()} == {
        1: list(range(1, len(steps[1]) + 1)),
        2: list(range(1, len(steps[2]) + 1)),
    }
    assert len(steps[1]) == 4 and len(steps[2]) == 3  # two epochs of 2 batches of the core, one of 3 of all images
    assert all(record["loss"] > 0 and record["images_per_second"] > 0 for record in steps[1] + steps[2])
    assert steps[1][0]["rate"] > steps[1][-1]["rate"]


def test_the_score_of_a_round_is_that_of_loops_over_its_masks(trained, drawn):
    workspace, _, training = trained
    predicted = workspace.artifacts.get("predictions", training.artifacts["predictions-2"])
    pairs = Counter()
    for row in predicted.table().to_pylist():
        mask = np.asarray(Image.open(predicted.file(row["file"])))
        truth = np.asarray(Image.open(drawn / "masks" / f"{row['image_id'][-7:-4]}.png"))
        pairs.update(zip(mask.ravel().tolist(), truth.ravel().tolist(), strict=True))
    table = np.array([[pairs[(category, c)] for c in range(4)] for category in range(4)])
    class_of = match(table).class_of
    expected = {}
    for c, name in enumerate(["background", "disc", "square", "bar"]):
        own = [k for k in range(4) if class_of[k] == c]
        hit, union = table[own, c].sum(), table[own].sum() + table[:, c].sum()
        expected[name] = 100 * hit / (union - hit)
    assert training.result["rounds"][2]["per_class"] == pytest.approx(expected, abs=1e-9)
    counts = workspace.artifacts.get("round_counts", training.artifacts["counts-2"])
    assert tables.read_round_counts(counts, 3).contingency.tolist() == table.tolist()


def test_what_a_round_predicts_for_each_proposal_is_kept_with_the_training(trained):
    workspace, run, training = trained
    found = tables.read_proposals(workspace.artifact(run, "proposals"))
    for number in (1, 2):
        predicted = workspace.artifacts.get("predictions", training.artifacts[f"predictions-{number}"])
        file_of = {row["image_id"]: row["file"] for row in predicted.table().to_pylist()}
        kept = workspace.artifacts.get("proposal_predictions", training.artifacts[f"proposals-{number}"])
        table = kept.table().to_pydict()
        assert table["proposal_id"] == found.proposal_id.tolist()
        for row, category in enumerate(table["category"]):
            mask = np.asarray(Image.open(predicted.file(file_of[found.image_id[row]])))
            pixels = Counter(mask[found.mask(row)].tolist())
            assert category == min(pixels, key=lambda value: (-pixels[value], value)) - 1


def test_asked_again_nothing_is_trained_again(trained):
    workspace, run, training = trained
    before = times(workspace)
    again = train(run, workspace, TrainSettings(SETTINGS))
    assert times(workspace) == before and (again.id, again.artifacts) == (training.id, training.artifacts)
    assert [r["miou"] for r in again.result["rounds"]] == [r["miou"] for r in training.result["rounds"]]


@pytest.mark.parametrize("fault", [Cancelled("stopped"), RuntimeError("broken")])
def test_a_finished_training_stays_finished_whatever_a_later_attempt_comes_to(trained, tmp_path, fault):
    workspace, run = copy_of(trained, tmp_path)
    done = workspace.trainings.get(trained[2].id)

    def stop(progress):
        raise fault

    predicted = workspace.artifacts.get("predictions", done.artifacts["predictions-1"])
    shutil.rmtree(predicted.folder)  # so that there is work to be stopped in
    with pytest.raises(type(fault)):
        train(run, workspace, TrainSettings(SETTINGS), on_progress=stop)
    assert done.state == "done" and workspace.trainings.get(done.id) == done


def test_a_stopped_attempt_keeps_the_rounds_that_another_one_finished(trained, tmp_path):
    workspace, run = copy_of(trained, tmp_path)
    done = trained[2]
    workspace.trainings.save(replace(done, state="running"))  # killed after its last round
    assert workspace.trainings.get(done.id).state == "interrupted"
    shutil.rmtree(workspace.artifacts.get("predictions", done.artifacts["predictions-1"]).folder)

    def stop(progress):
        assert workspace.trainings.get(done.id).state == "running"
        if progress.stage == "round 1 masks":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(run, workspace, TrainSettings(SETTINGS), on_progress=stop)
    kept = workspace.trainings.get(done.id)
    assert (kept.state, kept.artifacts) == ("cancelled", done.artifacts)
    assert [entry["round"] for entry in kept.result["rounds"]] == [0, 1, 2]


def test_a_training_of_a_run_whose_folder_moved_is_the_same_training_on_the_new_one(trained, drawn, tmp_path):
    workspace, run = copy_of(trained, tmp_path)
    folder, before = shutil.copytree(drawn, tmp_path / "elsewhere"), times(workspace)
    moved = relink(run, workspace, RelinkSettings(str(folder))).run
    again = train(moved, workspace, TrainSettings(SETTINGS, scored_on=str(folder)))  # its own, by name
    assert (again.id, again.artifacts) == (trained[2].id, trained[2].artifacts) and times(workspace) == before
    view = open_round_view(workspace, trained[2])
    assert view.dataset.root == folder and PSEUDO_MASK in view.masks


def test_changed_annotations_are_not_scored_as_those_that_the_run_saw(drawn, drawn_settings, tmp_path):
    folder = shutil.copytree(drawn, tmp_path / "shapes")
    workspace = open_workspace(tmp_path / "w")
    run = discover(make_config(**drawn_settings | {"dataset": str(folder)}), workspace)
    shutil.copy(folder / "masks" / "001.png", folder / "masks" / "000.png")
    with pytest.raises(DatasetError, match=f"has changed since run {run.id}"):
        train(run, workspace, TrainSettings(SETTINGS))
    assert workspace.trainings.of_run(run.id) == []


def test_a_name_given_to_a_cluster_trains_nothing_again(trained, tmp_path):
    workspace, run = copy_of(trained, tmp_path)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=1, name="zebra")
    before = times(workspace)
    assert (
        train(run, workspace, TrainSettings(SETTINGS)).artifacts == trained[2].artifacts and times(workspace) == before
    )


def test_the_first_round_learns_from_the_core_and_the_second_from_the_first_ones_masks_of_all_images(trained):
    workspace, _, training = trained
    first = workspace.artifacts.get("network", training.artifacts["network-1"]).manifest()["key"]
    second = workspace.artifacts.get("network", training.artifacts["network-2"]).manifest()["key"]
    labels = workspace.artifacts.get("pseudo_masks", first["inputs"]["labels"])
    assert len(labels.table()) < 28  # without what the filter drops, and without the two empty images
    assert second["inputs"]["labels"] == training.artifacts["predictions-1"]
    assert len(workspace.artifacts.get("predictions", training.artifacts["predictions-1"]).table()) == 30
    assert first["weights"] == second["weights"]  # the student starts where the teacher started
    assert (first["settings"]["epochs"], second["settings"]["epochs"]) == (2, 1)


def test_another_way_of_predicting_trains_nothing_anew_and_another_seed_does(trained):
    workspace, run, training = trained
    other = train(run, workspace, TrainSettings(make_training(**TINY | {"rounds": 1}, prediction={"flip": False})))
    assert other.artifacts["network-1"] == training.artifacts["network-1"]
    assert other.artifacts["predictions-1"] != training.artifacts["predictions-1"]
    seeded = train(run, workspace, TrainSettings(make_training(**TINY | {"rounds": 1}), seed=3))
    assert seeded.artifacts["network-1"] != training.artifacts["network-1"]


def test_the_filter_of_a_training_may_be_another_than_the_runs(trained):
    workspace, run, _ = trained
    every = train(run, workspace, TrainSettings(make_training(**TINY | {"rounds": 1}), filter_percent=0))
    labels = workspace.artifacts.get("pseudo_masks", every.artifacts["labels-1"])
    assert len(labels.table()) == 28
    with pytest.raises(SettingsError, match="filter_percent 120: must be at most 100"):
        train(run, workspace, TrainSettings(SETTINGS, filter_percent=120))


def test_stopped_in_a_round_it_goes_on_from_its_checkpoint(trained, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    settings, steps = TrainSettings(make_training(**TINY | {"rounds": 1}), seed=11), []

    def stop(progress):
        if progress.stage == "round 1" and progress.step == 3:
            raise Cancelled("now")

    with pytest.raises(Cancelled):
        train(run, workspace, settings, on_progress=stop)
    assert workspace.trainings.of_run(run.id)[0].state == "cancelled"

    def note(progress):
        if progress.stage == "round 1":
            steps.append(progress.step)

    done = train(run, workspace, settings, on_progress=note)
    assert steps[0] == 3 and done.state == "done"
    uninterrupted = train(run, trained[0], settings)
    files = [
        w.artifacts.get("network", t.artifacts["network-1"]).file("network.safetensors").read_bytes()
        for w, t in ((workspace, done), (trained[0], uninterrupted))
    ]
    assert done.artifacts == uninterrupted.artifacts and len(files[0]) == len(files[1])
    assert [r["miou"] for r in done.result["rounds"]] == pytest.approx(
        [r["miou"] for r in uninterrupted.result["rounds"]], abs=0.5
    )
    delete(run, workspace)
    assert workspace.trainings.of_run(run.id) == [] and not list(workspace.artifacts.root.glob("network/*"))


def test_rounds_learn_from_more_images_and_are_scored_on_others(trained, tmp_path):
    workspace, run, _ = trained
    more = draw_folder(tmp_path / "more", count=20, seed=5)
    unseen = draw_folder(tmp_path / "unseen", count=9, seed=6, empty=0)
    for folder in (more,):
        (folder / "classes.txt").unlink()
        for mask in (folder / "masks").glob("*.png"):
            mask.unlink()
        (folder / "masks").rmdir()
    result = evaluate(find_round(workspace, run.id, 1), workspace, EvaluateSettings(str(unseen)))
    assert (result["round"], result["images"], result["skipped"]) == (1, 9, 0)
    assert result["evaluation"]["matching"] == "hungarian" and result["evaluation_filtered"] is None
    assert list(result["evaluation"]["per_class"]) == ["background", "disc", "square", "bar"]
    unlabelled = evaluate(find_round(workspace, run.id, 2), workspace, EvaluateSettings(str(more)))
    assert unlabelled["evaluation"] is None
    assert len(list((tmp_path.parent / unlabelled["predictions"]).rglob("*.png"))) == 20
    training = train(run, workspace, TrainSettings(make_training(**TINY), images=str(more)))
    second = workspace.artifacts.get("network", training.artifacts["network-2"]).manifest()["key"]
    labels = workspace.artifacts.get("predictions", second["inputs"]["labels"])
    assert len(labels.table()) == 20


def test_a_training_of_another_version_says_so(trained):
    old = replace(trained[2], settings={"training": {"crop": 64}, "seed": 0})
    words = f"training {old.id} is of another version of this program; train the run again \\(unknown setting"
    with pytest.raises(WorkspaceError, match=words):
        settings_of(old)
    assert settings_of(trained[2]) == TrainSettings(SETTINGS)


def test_a_round_that_was_not_trained_is_told(trained):
    workspace, run, _ = trained
    with pytest.raises(WorkspaceError, match=rf"run {run.id} has no round 7: it has round 1, 2; `comus train"):
        evaluate(find_round(workspace, run.id, 7), workspace, EvaluateSettings(run.config.dataset))


def test_what_is_ignored_is_in_no_count():
    mask, truth = np.array([[0, 1], [2, 2]], np.uint8), np.array([[0, 255], [1, 0]], np.uint8)
    assert count_prediction("a", mask, truth, 255, 2, 2).tolist() == [[1, 0], [0, 0], [1, 1]]


def test_the_command_trains_resumes_and_scores_a_round(trained, drawn, tmp_path):
    workspace, run, training = trained
    command = [sys.executable, "-m", "comus_core"]
    options = [f"--set={k}={v}" for k, v in TINY.items()]
    environment = os.environ | {"COMUS_WORKSPACE": str(workspace.root)}

    def call(*arguments):
        return subprocess.run(
            [*command, *map(str, arguments)], env=environment, capture_output=True, text=True, check=True
        )

    first = call("train", run.id, "--rounds", 2, *options, "--json", tmp_path / "t.json")
    result = json.loads((tmp_path / "t.json").read_text())
    assert [(r["round"], r["miou"]) for r in result["rounds"]] == [
        (r["round"], r["miou"]) for r in training.result["rounds"]
    ]
    assert "round 2: mIoU" in first.stderr and f"training {training.id}" in first.stderr
    resumed = call("train", run.id, "--resume", "--json", "-")
    assert json.loads(resumed.stdout)["rounds"][2]["miou"] == result["rounds"][2]["miou"]
    scored = call("evaluate", f"{run.id}@2", drawn, "--json", tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text())["evaluation"]["miou"] == result["rounds"][2]["miou"]
    assert "of round 2" in scored.stdout

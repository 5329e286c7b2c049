"""Two rounds on the same images: `comus compare`, from the workspace to the command line."""

import json
import shutil

import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.errors import DatasetError, SettingsError, WorkspaceError
from comus_core.pipelines.compare import compare
from comus_core.pipelines.evaluate import evaluate
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import CompareSettings, EvaluateSettings
from comus_core.runs.run_round import RunRound, find_round
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of, draw_folder

pytestmark = pytest.mark.thorough

TINY = TINY_TRAINING | {"epochs": 2}


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """(workspace, run, training): a copy of the finished run, trained for one round."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("compared"))
    return workspace, run, train(run, workspace, TrainSettings(make_training(**TINY)))


@pytest.fixture(scope="module")
def unseen(tmp_path_factory, drawn):
    """Drawn photographs with ground truth that the run has masks for, but never saw."""
    return draw_folder(tmp_path_factory.mktemp("unseen") / "shapes", count=9, seed=6, empty=0)


def test_the_scores_compared_are_those_of_run_and_training(trained):
    workspace, run, training = trained
    result = compare(
        (find_round(workspace, run.id, 0), find_round(workspace, run.id, 1)), workspace, CompareSettings(resamples=200)
    )
    rounds = training.result["rounds"]
    assert result["first"]["miou"] == pytest.approx(run.result["evaluation"]["miou"], abs=1e-9)
    assert result["second"]["miou"] == pytest.approx(rounds[1]["miou"], abs=1e-9)
    found = result["bootstrap"]
    assert found["difference"] == pytest.approx(rounds[1]["miou"] - rounds[0]["miou"], abs=1e-9)
    assert found["low"] <= found["mean"] <= found["high"] and found["images"] == 30
    assert result["supervision"] == training.result["supervision"]
    assert (result["first"]["training"], result["second"]["training"]) == (None, training.id)
    assert json.loads(json.dumps(result)) == result


def test_on_another_data_set_what_evaluate_made_is_reused(trained, unseen):
    workspace, run, _ = trained
    scored = evaluate(find_round(workspace, run.id, 1), workspace, EvaluateSettings(str(unseen)))
    before = {p: p.stat().st_mtime_ns for p in workspace.root.glob("artifacts/*/*/manifest.json")}
    one = find_round(workspace, run.id, 1)
    result = compare((one, one), workspace, CompareSettings(str(unseen), resamples=20))
    assert {p: p.stat().st_mtime_ns for p in workspace.root.glob("artifacts/*/*/manifest.json")} == before
    assert result["first"]["miou"] == pytest.approx(scored["evaluation"]["miou"], abs=1e-9)
    assert result["bootstrap"]["share_not_above"] == 1 and result["bootstrap"]["images"] == 9


def test_round_0_on_another_data_set_is_that_of_the_nearest_neighbours(trained, drawn):
    workspace, run, _ = trained
    scored = evaluate(RunRound(run, 0), workspace, EvaluateSettings(f"{drawn}/"))
    one = find_round(workspace, run.id, 0)
    result = compare((one, one), workspace, CompareSettings(f"{drawn}/", resamples=20))
    assert result["first"]["miou"] == pytest.approx(scored["evaluation"]["miou"], abs=1e-9)


def test_a_training_is_named_by_its_id(trained):
    workspace, run, training = trained
    assert find_round(workspace, training.id, 1) == find_round(workspace, run.id, 1)
    with pytest.raises(WorkspaceError, match="has no round 4"):
        find_round(workspace, training.id, 4)
    with pytest.raises(WorkspaceError, match="no run 'nothing'"):
        find_round(workspace, "nothing", 0)


def test_what_cannot_be_compared_is_told_before_any_work(trained, tmp_path):
    workspace, run, _ = trained
    one = find_round(workspace, run.id, 0)
    folder = draw_folder(tmp_path / "bare", count=3)
    (folder / "classes.txt").unlink()
    shutil.rmtree(folder / "masks")
    with pytest.raises(DatasetError, match="has no ground truth"):
        compare((one, one), workspace, CompareSettings(str(folder)))
    with pytest.raises(SettingsError, match="matching 'best'"):
        compare((one, one), workspace, CompareSettings(matching="best"))


def test_the_command_prints_and_writes_it(trained, tmp_path):
    workspace, run, training = trained
    file = tmp_path / "c.json"
    words = ["compare", run.id, f"{run.id}@1", "--resamples", "50", "--fixed-matching", "--json", str(file)]
    said = CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)], catch_exceptions=False)
    result = json.loads(file.read_text())
    assert said.exit_code == 0 and result["bootstrap"]["matching_fixed"] and result["bootstrap"]["resamples"] == 50
    assert f"{training.id}@1" in said.stdout and f"{result['bootstrap']['difference']:+.2f}" in said.stdout
    assert "supervised" in said.stdout or "masks" in said.stdout

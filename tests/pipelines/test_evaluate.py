"""A round scored by a protocol: on its own images, on others, with a matching from elsewhere."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import adjusted_rand_score

from comus_core import evaluate, find_round
from comus_core.cli.main import cli
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import SettingsError
from comus_core.evaluation import protocols
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score
from comus_core.pipelines import apply_rounds
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of, draw_folder, write_vectors


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """(workspace, run): a copy of the small finished run, trained for one round."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("protocols"))
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)))
    return workspace, run


@pytest.fixture
def elsewhere(finished, tmp_path):
    """(workspace, round 0, data set): other images, whose proposals and vectors the run can find."""
    workspace, run = finished
    other = draw_folder(tmp_path / "other", count=15, seed=5)
    vectors = write_vectors(other, tmp_path / "vectors.npz", noise=4.0)
    saliency = replace(run.config.saliency, detector=f"masks:{other / 'masks'}")
    features = replace(run.config.features, encoder=f"file:{vectors}")
    run = replace(run, config=replace(run.config, saliency=saliency, features=features))
    return workspace, RunRound(run, 0), str(other)


def test_a_run_is_scored_on_its_own_images_without_counting_anew(finished):
    workspace, run = finished
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings())
    assert result["evaluation"] == run.result["evaluation"]
    assert result["evaluation_filtered"] == run.result["evaluation_filtered"]
    assert (result["protocol"], result["matched_on"], result["computed"]) == (None, None, [])


@pytest.mark.parametrize(("name", "mode"), [("comus", "hungarian"), ("majority", "majority")])
def test_a_protocol_decides_the_matching_and_is_recorded_with_what_it_says(finished, name, mode):
    workspace, run = finished
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(protocol=name))
    same = evaluate(RunRound(run, 0), workspace, EvaluateSettings(matching=mode))
    assert result["evaluation"] == same["evaluation"] and result["evaluation"]["matching"] == mode
    assert result["protocol"] == {"name": name, "words": protocols.PROTOCOLS[name].words}
    assert same["protocol"] is None


def test_cluster_quality_is_that_of_the_drawn_classes(finished):
    workspace, run = finished
    found = evaluate(RunRound(run, 0), workspace, EvaluateSettings())["cluster_quality"]
    view = open_run_view(workspace, run)
    truth = open_dataset(run.config.dataset, workspace.drawings).truth
    true = [
        int(np.bincount(truth.mask(image_id)[view.proposals.mask(row)]).argmax())
        for row, image_id in enumerate(view.proposals.image_id)
    ]
    assert found["proposals"] == len(view)
    assert found["ari"] == pytest.approx(adjusted_rand_score(true, view.cluster.tolist()))
    assert 0 < found["purity"] <= 100 and found["accuracy"] <= found["purity"]


def test_matched_on_one_data_set_and_scored_on_another_beside_its_own_matching(elsewhere, monkeypatch):
    workspace, zero, other = elsewhere
    here = evaluate(zero, workspace, EvaluateSettings(other, protocol="comus"))
    frozen = evaluate(zero, workspace, EvaluateSettings(other, protocol="comus", matched_on=zero.run.config.dataset))
    own = evaluate(zero, workspace, EvaluateSettings(protocol="comus"))
    monkeypatch.chdir(Path(zero.run.config.dataset).parent)
    near = replace(EvaluateSettings(other, protocol="comus"), matched_on=Path(zero.run.config.dataset).name)
    assert evaluate(zero, workspace, near)["evaluation"] == frozen["evaluation"]  # a relative path is the same folder
    assert frozen["matched_on"] == zero.run.config.dataset
    assert frozen["evaluation_matched_here"] == here["evaluation"]
    assert frozen["evaluation"]["class_of"] == own["evaluation"]["class_of"]
    assert frozen["evaluation"]["miou"] <= here["evaluation"]["miou"]  # its own matching is the best there
    assert here["cluster_quality"]["proposals"] == 13


def test_what_does_not_belong_together_is_refused(finished):
    workspace, run = finished
    with pytest.raises(SettingsError, match="protocol comus says how categories are matched: leave matching majority"):
        EvaluateSettings(protocol="comus", matching="majority")
    with pytest.raises(SettingsError, match="give one of the two"):
        EvaluateSettings(matching_from="latest", matched_on="demo")
    with pytest.raises(SettingsError, match="only networks support: choose a trained round"):
        evaluate(RunRound(run, 0), workspace, EvaluateSettings(protocol="cause"))


def test_the_protocol_of_cause_says_what_to_install_where_the_crf_is_not(trained, monkeypatch):
    workspace, run = trained
    monkeypatch.setattr(apply_rounds, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="protocol cause needs the CRF of pydensecrf: `pip install pydensecrf2`"):
        evaluate(find_round(workspace, run.id, 1), workspace, EvaluateSettings(protocol="cause"))


def scored_by_hand(workspace, run, predictions, side):
    """Masks and ground truth at a square, counted by plain NumPy, matched by pixels."""
    truth, table = open_dataset(run.config.dataset, workspace.drawings).truth, np.zeros((4, 4), int)
    for row in predictions.table().to_pylist():
        mask = protocols.centred(from_png(predictions.file(row["file"]).read_bytes()), side)
        true = protocols.centred(truth.mask(row["image_id"]), side)
        np.add.at(table, (mask[true != 255], true[true != 255]), 1)
    return score(table, match(table, "counts"), ("background", "disc", "square", "bar"))


def test_a_protocol_with_a_size_counts_at_that_size_and_matches_by_pixels(trained, monkeypatch):
    workspace, run = trained
    small = replace(protocols.PROTOCOLS["cause"], side=48, network=False)
    monkeypatch.setitem(protocols.PROTOCOLS, "cause", small)
    one = find_round(workspace, run.id, 1)
    result = evaluate(one, workspace, EvaluateSettings(protocol="cause"))
    assert result["computed"] == ["round_counts"]  # the masks are those of the training
    predictions = workspace.artifacts.get("predictions", one.training.artifacts["predictions-1"])
    expected = scored_by_hand(workspace, run, predictions, 48)
    assert result["evaluation"]["miou"] == pytest.approx(expected.miou, abs=1e-9)
    assert result["evaluation"]["matching"] == "counts"
    assert evaluate(one, workspace, EvaluateSettings())["evaluation"]["matching"] == "hungarian"


@pytest.mark.slow  # it needs `pip install pydensecrf2`, which has to be compiled
def test_the_protocol_of_cause_mirrors_and_refines_and_is_scored_as_by_hand(trained):
    workspace, run = trained
    one = find_round(workspace, run.id, 1)
    result = evaluate(one, workspace, EvaluateSettings(protocol="cause"))
    assert result["computed"] == ["predictions", "round_counts"]
    [predictions] = [
        workspace.artifacts.get("predictions", name.name)
        for name in (workspace.root / "artifacts" / "predictions").iterdir()
        if str(name) in result["predictions"]
    ]
    expected = scored_by_hand(workspace, run, predictions, 320)
    assert result["evaluation"]["miou"] == pytest.approx(expected.miou, abs=1e-9)


def test_the_command_says_protocol_and_quality_as_python_does(finished, tmp_path):
    workspace, run = finished
    file = tmp_path / "score.json"
    words = ["evaluate", run.id, "--protocol", "majority", "--json", str(file), "--workspace", str(workspace.root)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    told = json.loads(file.read_text())
    python = evaluate(RunRound(run, 0), workspace, EvaluateSettings(protocol="majority"))
    for key in ("protocol", "evaluation", "cluster_quality"):
        assert told[key] == python[key]
    assert "protocol majority: Majority vote" in done.output and "purity" in done.output

"""A run repeated with several seeds: the scores of each, their mean and their spread."""

from statistics import mean, stdev

import pytest

from comus_core import curation, evaluate, make_config, open_workspace, repeat_seeds
from comus_core.config import RunConfig
from comus_core.errors import DatasetError, SettingsError
from comus_core.pipelines.discover import discover
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import EvaluateSettings, SeedsSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_round
from comus_core.settings import merge
from comus_core.training import TrainSettings, make_training
from comus_core.verbs import VERBS
from tests.builders import TINY_TRAINING, copy_of, write_vectors

TINY = TINY_TRAINING | {"prediction.classifier_share": 0.0}


@pytest.fixture
def noisy(drawn, drawn_settings, tmp_path):
    """(workspace, run): vectors so noisy that seeds differ."""
    vectors = write_vectors(drawn, tmp_path / "noisy.npz", noise=6.0)
    settings = merge(
        drawn_settings, {"features": {"encoder": f"file:{vectors}"}, "clustering": {"method": "kmeans", "n_init": 1}}
    )
    workspace = open_workspace(tmp_path / "w")
    return workspace, discover(make_config(**settings), workspace)


def test_mean_and_spread_are_those_of_the_runs_which_stay_and_are_used_again(noisy):
    workspace, run = noisy
    result = repeat_seeds(run, workspace, SeedsSettings((0, 1, 2), protocol="comus"), device="cpu")
    runs = {other.config.seed: other for other in workspace.runs.all()}
    assert [(one["seed"], one["run"]) for one in result["runs"]] == [(seed, runs[seed].id) for seed in (0, 1, 2)]
    assert all(
        isinstance(other.config, RunConfig) and other.config.dataset == run.config.dataset for other in runs.values()
    )
    alone = [score_round(workspace, RunRound(runs[seed], 0), "hungarian").score.miou for seed in (0, 1, 2)]
    [row] = result["rows"]
    assert row["miou"] == alone and len(set(alone)) > 1
    assert row["mean"] == pytest.approx(mean(alone)) and row["std"] == pytest.approx(stdev(alone))
    quality = [
        evaluate(RunRound(runs[seed], 0), workspace, EvaluateSettings())["cluster_quality"] for seed in (0, 1, 2)
    ]
    assert result["cluster_quality"]["ari"]["mean"] == pytest.approx(mean(one["ari"] for one in quality))
    assert workspace.runs.find("latest").id == run.id
    stages = []
    again = repeat_seeds(
        run,
        workspace,
        SeedsSettings((0, 1, 2), protocol="comus"),
        device="cpu",
        on_progress=lambda p: stages.append(p.stage),
    )
    assert again == result and len(workspace.runs.all()) == 3
    assert {stage.partition(" ")[0] for stage in stages} == {"seed"}
    said = VERBS["seeds"].lines(result)
    assert "protocol comus" in said[0] and said[1].startswith(f"round 0: mIoU {mean(alone):.2f} ± {stdev(alone):.2f} %")


def test_a_single_seed_has_no_spread(noisy):
    workspace, run = noisy
    [row] = repeat_seeds(run, workspace, SeedsSettings((0,)), device="cpu")["rows"]
    assert row["std"] is None and row["mean"] == run.result["evaluation"]["miou"]


def test_trained_rounds_are_repeated_with_the_settings_of_the_last_training(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    with pytest.raises(SettingsError, match="was not trained"):
        repeat_seeds(run, workspace, SeedsSettings(train=True), device="cpu")
    first = train(run, workspace, TrainSettings(make_training(**TINY)), device="cpu")
    result = repeat_seeds(run, workspace, SeedsSettings((0, 4), train=True), device="cpu")
    assert [row["round"] for row in result["rows"]] == [0, 1]
    assert result["runs"][0]["training"] == first.id
    other = workspace.trainings.get(result["runs"][1]["training"])
    assert other.settings == first.settings | {"seed": 4}
    assert result["rows"][1]["miou"] == [first.result["rounds"][1]["miou"], other.result["rounds"][1]["miou"]]


def test_what_no_seed_could_repeat_is_refused(noisy, finished):
    workspace, run = noisy
    with pytest.raises(SettingsError, match="protocol cause is of networks: train each seed too"):
        repeat_seeds(run, workspace, SeedsSettings(protocol="cause"), device="cpu")
    with pytest.raises(SettingsError, match="given twice"):
        SeedsSettings((1, 1))
    view = open_run_view(workspace, run)
    curation.set_filter(view, 55.0)
    with pytest.raises(SettingsError, match="its filter was changed, which no other seed repeats: set it back to 20 %"):
        repeat_seeds(run, workspace, SeedsSettings(), device="cpu")
    curation.undo(view)
    curation.merge(open_run_view(workspace, run), [1, 2])
    with pytest.raises(SettingsError, match="its clusters were edited"):
        repeat_seeds(run, workspace, SeedsSettings(), device="cpu")


def test_without_ground_truth_there_is_nothing_to_compare(drawn, drawn_settings, tmp_path):
    workspace = open_workspace(tmp_path)
    run = discover(
        make_config(**merge(drawn_settings, {"truth": {"read": False}, "clustering": {"clusters": 3}})), workspace
    )
    with pytest.raises(DatasetError, match="has no ground truth"):
        repeat_seeds(run, workspace, SeedsSettings(), device="cpu")

"""An ablation at work, with a tiny network in place of the real one: what is computed, and what is not again."""

import json
import shutil

import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.errors import Cancelled, DatasetError
from comus_core.pipelines.ablate import ablate, known
from comus_core.pipelines.ablation_rows import SWITCHES, AblationSettings, plan
from comus_core.pipelines.train import train
from comus_core.settings import changed, to_dict
from comus_core.training import TrainSettings, make_training
from comus_core.training import network as networks
from tests.builders import copy_of, draw_folder
from tests.training.tiny import Tiny, tiny_network

pytestmark = pytest.mark.thorough

TINY = {
    "optimisation.crop": 32,
    "prediction.size": 64,
    "epochs": 2,
    "later_epochs": 1,
    "optimisation.batch": 8,
    "optimisation.learning_rate": 3e-3,
}
BASE = TINY | {
    "checkpoint_every": 2,
    "optimisation.jitter": 0.0,
    "optimisation.ema": 0.0,
    "labels.confidence": 0.0,
    "prediction.scales": False,
}
SETTINGS = make_training(**BASE)


@pytest.fixture
def made(finished, tmp_path, monkeypatch):
    """(workspace, run, networks trained): a copy of the finished run, whose trainings are quick and counted."""
    trained = []

    def new(settings, outputs, seed):
        trained.append(seed)
        tiny = tiny_network(seed)
        tiny.layers[-1] = Tiny(outputs).layers[-1]
        return tiny

    monkeypatch.setattr(networks, "new_segmenter", new)
    monkeypatch.setattr(networks, "Segmenter", lambda settings, outputs: Tiny(outputs))
    return *copy_of(finished, tmp_path), trained


def stored_networks(workspace):
    return list(workspace.root.glob("artifacts/network/*/manifest.json"))


def test_all_rows_are_scored_and_no_network_is_trained_twice(made):
    workspace, run, trained = made
    told, ablation = [], AblationSettings(SETTINGS)
    result = ablate(run, workspace, ablation, device="cpu", on_row=told.append)
    assert json.loads(json.dumps(result)) == result and told == result["rows"]
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == [row.name for row in plan(SETTINGS)]
    assert rows["spectral"]["miou"] == [run.result["evaluation"]["miou"]]
    assert all(len(row["miou"]) == 1 for row in result["rows"])
    assert all(row["mean"] is not None and (row["seconds"] or not row["round"]) for row in result["rows"])
    # One of all masks, teacher and student, each switch of the optimisation, and of a student's labels;
    # here neighbourhoods are small and features come from a file, so that nothing is regrouped or looked at around.
    more = [s for s in SWITCHES if s.setting.startswith("optimisation.")]
    later = [s for s in SWITCHES if s.later]
    assert len(trained) == len(stored_networks(workspace)) == 3 + len(more) + len(later)
    assert result["supervision"] == {"direct": "masks", "inherited": "none"}
    again = ablate(run, workspace, ablation, device="cpu")
    assert again["rows"] == result["rows"] and len(trained) == len(stored_networks(workspace))
    assert known(run, workspace, ablation)["rows"] == result["rows"]


def test_a_row_is_what_train_says(made):
    workspace, run, trained = made
    rows = ("round 1, no filter", "no prediction.flip", "round 2")
    result = ablate(run, workspace, AblationSettings(SETTINGS, filter_percent=30, seeds=(4,), rows=rows))
    count = len(trained)
    trainings = [make_training(**BASE, rounds=rounds) for rounds in (1, 2)]
    trainings.append(make_training(**BASE, rounds=1, prediction={"flip": False}))
    questions = [TrainSettings(t, filter_percent=p, seed=4) for t, p in zip(trainings, (0.0, 30, 30), strict=True)]
    scores = [train(run, workspace, question).result["rounds"][-1]["miou"] for question in questions]
    assert [row["miou"] for row in result["rows"]] == [[score] for score in scores] and len(trained) == count == 3


def test_k_means_clusters_the_same_vectors_and_latest_stays_what_it_was(made):
    workspace, run, trained = made
    before = {p: p.stat().st_mtime_ns for p in workspace.root.glob("artifacts/*/*/manifest.json")}
    result = ablate(run, workspace, AblationSettings(SETTINGS, rows=("spectral", "k-means")), device="cpu")
    after = set(workspace.root.glob("artifacts/*/*/manifest.json")) - set(before)
    assert sorted(path.parent.parent.name for path in after) == ["clustering", "pseudo_masks"] and not trained
    [other] = [r for r in workspace.runs.all() if r.id != run.id]
    assert other.config.clustering.method == "kmeans" and other.name == f"{run.name} kmeans"
    assert other.artifacts["features"] == run.artifacts["features"]
    assert other.result["clusters"] == run.result["clusters"]
    assert result["rows"][0]["miou"] == [other.result["evaluation"]["miou"]]
    assert result["supervision"] == run.provenance["supervision"]
    assert workspace.runs.find("latest").id == run.id and workspace.runs.find(run.name).id == run.id


def test_what_a_run_was_trained_last_stays_in_front(made):
    workspace, run, _ = made
    first = train(run, workspace, TrainSettings(changed(SETTINGS, {"rounds": 2}), seed=9))
    ablation = AblationSettings(SETTINGS, rows=("round 2", "labels.confidence"))
    ablate(run, workspace, ablation)
    assert workspace.trainings.with_round(run.id, 2).id == first.id
    workspace.runs.remove(run.id)
    workspace.runs.save(run)
    ablate(run, workspace, ablation)
    base = workspace.trainings.with_round(run.id, 2)
    assert base.settings == to_dict(ablation.question(ablation.chosen[0], 0))


def test_stopped_in_a_row_it_goes_on_from_there(made):
    workspace, run, trained = made
    ablation, seen = AblationSettings(SETTINGS, rows=("round 1", "round 2", "optimisation.jitter")), []

    def stop(progress):
        if progress.stage == "round 2" and list(workspace.root.glob("artifacts/network/*.partial/checkpoint.pt")):
            raise Cancelled("now")

    with pytest.raises(Cancelled):
        ablate(run, workspace, ablation, on_progress=stop)
    assert len(trained) == 2 and len(stored_networks(workspace)) == 1
    [checkpoint] = workspace.root.glob("artifacts/network/*.partial/checkpoint.pt")
    result = ablate(run, workspace, ablation, on_progress=seen.append)
    assert len(trained) == 4 and len(stored_networks(workspace)) == 3 and not checkpoint.exists()
    assert result["rows"] == known(run, workspace, ablation)["rows"] and all(row["mean"] for row in result["rows"])
    steps = [progress.step for progress in seen]
    assert steps == sorted(steps) and len({progress.total for progress in seen}) == 1


def test_it_is_scored_on_another_data_set(made, tmp_path):
    workspace, run, _ = made
    other = draw_folder(tmp_path / "other", count=9, seed=6, empty=0)
    ablation = AblationSettings(SETTINGS, scored_on=str(other), rows=("round 1", "round 2"))
    result = ablate(run, workspace, ablation)
    assert result["dataset"] == str(other) and all(row["mean"] is not None for row in result["rows"])


def test_without_ground_truth_it_says_so_before_any_work(made, tmp_path):
    workspace, run, trained = made
    folder = draw_folder(tmp_path / "bare", count=3)
    (folder / "classes.txt").unlink()
    shutil.rmtree(folder / "masks")
    with pytest.raises(DatasetError, match=r"an ablation compares scores, but the data set .* has no ground truth"):
        ablate(run, workspace, AblationSettings(SETTINGS, scored_on=str(folder)))
    assert not trained and len(workspace.runs.all()) == 1 and not workspace.trainings.of_run(run.id)


def test_the_command_prints_the_table_and_writes_it(made, tmp_path):
    workspace, run, _ = made
    options = [f"--set={name}={value}" for name, value in TINY.items()]
    rows = [word for name in ("spectral", "round 1", "round 1, no filter") for word in ("--rows", name)]
    command = ["ablate", run.id, *options, *rows, "--seed", "0", "--seed", "3", "--json", str(tmp_path / "a.json")]
    said = CliRunner().invoke(cli, [*command, "--workspace", str(workspace.root)], catch_exceptions=False)
    result = json.loads((tmp_path / "a.json").read_text())
    assert said.exit_code == 0 and [row["name"] for row in result["rows"]] == [
        "spectral",
        "round 1, no filter",
        "round 1",
    ]
    assert result["settings"]["seeds"] == [0, 3] and result["settings"]["training"]["optimisation"]["crop"] == 32
    lines = said.stdout.splitlines()
    for row in result["rows"]:
        [line] = [line for line in lines if line.startswith(row["name"] + "  ") and f"{row['mean']:.2f}" in line]
        assert (row["difference"] is None) or f"{row['difference']:+.2f}" in line
        assert (row["std"] is None) or f"± {row['std']:.2f}" in line
    assert "seeds 0, 3" in said.stdout and f"spectral: mIoU {result['rows'][0]['mean']:.2f} %" in said.stderr
    refused = CliRunner().invoke(cli, ["ablate", run.id, "--rows", "x", "--workspace", str(workspace.root)])
    assert "row 'x': choose from k-means; spectral; round 1, no filter" in str(refused.exception)

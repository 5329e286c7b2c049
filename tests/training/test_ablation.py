"""The plan of an ablation and its table, without any work."""

import json
from statistics import stdev

import pytest

from comus_core.config import ClusteringSettings, RunConfig, SaliencySettings
from comus_core.errors import SettingsError
from comus_core.pipelines import ablation_rows
from comus_core.pipelines.ablate import _config
from comus_core.pipelines.ablation_cost import ROW_SECONDS, Meter, ablation_cost, cost_for
from comus_core.pipelines.ablation_rows import OTHER_CLUSTERS, SWITCHES, AblationSettings, plan
from comus_core.pipelines.ablation_table import RowScore, table
from comus_core.pipelines.training_cost import TrainingImages, training_cost
from comus_core.settings import changed, flat, from_dict, to_dict
from comus_core.training import make_training
from comus_core.types import Progress
from comus_core.workspace import Run, open_workspace
from tests.builders import draw_folder

BASE = make_training(
    epochs=4,
    prediction={"flip": True, "scales": False},
    labels={"confidence": 0.0},
    optimisation={"ema": 0.0, "jitter": 0.0},
)
TABLE_5 = ["k-means", "spectral", "round 1, no filter", "round 1", "round 2"]


def test_the_first_rows_are_those_of_table_5_each_against_the_one_before():
    rows = plan(BASE)[:5]
    assert [row.name for row in rows] == TABLE_5
    assert [row.against for row in rows] == [None, *TABLE_5[:-1]]
    assert [row.round for row in rows] == [0, 0, 1, 1, 2]
    assert [row.method for row in rows] == ["kmeans", "spectral", None, None, None]
    ablation = AblationSettings(BASE, filter_percent=30, seeds=(7,))
    questions = [ablation.question(row, 7) for row in rows[2:]]
    assert [(q.training.rounds, q.filter_percent, q.seed) for q in questions] == [(1, 0, 7), (1, 30, 7), (2, 30, 7)]


def test_other_clusters_of_the_same_features_are_compared_with_spectral_ones(monkeypatch):
    rows = plan(BASE)[5 : 5 + len(OTHER_CLUSTERS)]
    assert [(row.name, row.method, row.against, row.round) for row in rows] == [
        (name, name, "spectral", 0) for name in ("consensus", "umap", "evoc")
    ]
    monkeypatch.setattr(ablation_rows, "find_spec", lambda _: None)
    assert "umap" in {row.name for row in plan(BASE)} and "evoc" not in {row.name for row in plan(BASE)}


def test_other_clusters_of_a_run_with_landmarks_have_none():
    """Else their settings would be refused, in the middle of the ablation."""
    run = Run("run-1", "one", RunConfig("demo", clustering=ClusteringSettings(landmarks=50)))
    assert _config(run, "kmeans").clustering == ClusteringSettings(method="kmeans")
    assert _config(run, None) == _config(run, "spectral") == run.config


def test_every_switch_is_turned_the_other_way_at_the_cheapest_round_that_shows_it():
    rows = {row.name: row for row in plan(BASE)[5 + len(OTHER_CLUSTERS) :]}
    named = {"labels.confidence", "prediction.scales", "optimisation.ema", "optimisation.jitter", "no prediction.flip"}
    assert named | {"no prediction.object_share"} <= set(rows) and len(rows) == len(SWITCHES)
    later, flip = rows["labels.confidence"], rows["no prediction.flip"]
    assert (later.round, later.against, later.settings.rounds) == (2, "round 2", 2)
    assert (flip.round, flip.against) == (1, "round 1")
    assert flip.words == "without predictions averaged with the mirrored image"
    for switch in SWITCHES:
        [row] = [row for row in rows.values() if next(iter(row.changes)) == switch.setting]
        before, after = flat(to_dict(BASE)), flat(to_dict(row.settings))
        differing = {name for name in before if before[name] != after[name]} - {"rounds"}
        held = {s.setting for s in SWITCHES if s.needs == switch.setting}
        assert differing == {switch.setting} | held == set(row.changes) and row.settings.epochs == 4
    back = {
        row.name
        for row in plan(make_training(**{"labels.confidence": 0.5, "optimisation.ema": 0.9, "prediction.flip": False}))
    }
    assert {"no labels.confidence", "no optimisation.ema", "prediction.flip"} <= back


def test_what_would_change_nothing_has_no_row():
    def rows(**changes):
        return {row.name for row in plan(make_training(**changes))}

    alone, unnamed = {"regroup": False}, {"classifier_share": 0.0}
    assert "no labels.surroundings" in rows() & rows(labels=alone) & rows(prediction=unnamed)
    names = {"labels.surroundings", "no labels.surroundings"}
    assert not names & rows(labels=alone, prediction=unnamed)
    assert "labels.surroundings" not in {row.name for row in plan(make_training("paper-voc"))}


def test_what_means_nothing_alone_goes_on_together_with_what_it_needs():
    paper = {row.name: row for row in plan(make_training("paper-voc"))}
    assert paper["prediction.saliency"].changes == {"prediction.saliency": 0.5, "prediction.object_share": 0.5}
    assert paper["prediction.object_share"].changes == {"prediction.object_share": 0.5}


def test_the_settings_come_back_from_json():
    ablation = AblationSettings(BASE, "a", "b", 10, seeds=(0, 5), rows=("round 1", "no prediction.flip"))
    values = to_dict(ablation)
    assert json.loads(json.dumps(values)) == values and from_dict(AblationSettings, values) == ablation
    assert [row.name for row in ablation.chosen] == ["round 1", "no prediction.flip"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"rows": ("round 9",)}, "row 'round 9': choose from k-means; spectral"),
        ({"seeds": ()}, "no seed"),
        ({"seeds": (1, 1)}, "a seed is given twice: 1, 1"),
        ({"seeds": (-1,)}, "seeds -1: must be at least 0"),
    ],
)
def test_what_cannot_work_is_refused(more, words):
    with pytest.raises(SettingsError, match=words):
        AblationSettings(BASE, **more)


def test_the_table_holds_means_spreads_and_differences():
    rows = ("spectral", "round 1, no filter", "round 1", "optimisation.ema")
    ablation = AblationSettings(BASE, seeds=(0, 1, 2), rows=rows)
    scores = {("spectral", 0): RowScore(40.0, None)}
    scores |= {("round 1, no filter", s): RowScore(43.0 + s, 10.0 + s) for s in range(3)}
    scores |= {("round 1", s): RowScore(46.0 + 2 * s, 9.0) for s in range(2)}
    spectral, every, core, ema = table(ablation, scores)
    assert (spectral["miou"], spectral["mean"], spectral["std"], spectral["difference"]) == ([40.0], 40.0, None, None)
    assert every["miou"] == [43.0, 44.0, 45.0] and every["std"] == stdev([43, 44, 45]) and every["seconds"] == 11
    assert (every["mean"], every["difference"], every["against"]) == (44.0, 4.0, "spectral")
    assert core["miou"] == [46.0, 48.0, None] and core["difference"] == 3.0
    assert ema["mean"] is ema["difference"] is ema["seconds"] is None and ema["miou"] == [None] * 3


def test_the_estimate_counts_each_network_and_its_masks_once(tmp_path):
    workspace = open_workspace(tmp_path / "w")

    def costs_of(*rows, base=BASE):
        return ablation_cost(AblationSettings(base, rows=rows), TrainingImages(100), workspace).rows

    one = training_cost(make_training(epochs=4, rounds=2), TrainingImages(100), workspace)
    cost = {c.row.name: c for c in costs_of("round 1", "round 2", "no prediction.flip")}
    assert [stage for stage, _ in cost["round 1"].stages] == ["round 1", "round 1 masks"]
    assert cost["round 1"].total == pytest.approx(one.training[0] + one.predicting + ROW_SECONDS)
    assert cost["round 2"].total == pytest.approx(one.training[1] + one.predicting + ROW_SECONDS)
    assert [stage for stage, _ in cost["no prediction.flip"].stages] == ["round 1 masks"]
    for row in ("no labels.regroup", "no labels.surroundings"):  # other labels are another network
        assert [stage for stage, _ in costs_of("round 1", row)[1].stages] == ["round 1", "round 1 masks"]
    named_alone = costs_of("round 1", "no labels.surroundings", base=changed(BASE, {"labels.regroup": False}))
    assert [stage for stage, _ in named_alone[1].stages] == ["round 1 masks"]
    alone = ablation_cost(AblationSettings(BASE, seeds=(0, 1), rows=("round 2",)), TrainingImages(100), workspace)
    assert alone.total == pytest.approx(2 * (one.total + ROW_SECONDS)) and not alone.measured


def test_the_estimate_counts_what_looks_at_other_images_once(tmp_path):
    workspace, config = open_workspace(tmp_path / "w"), RunConfig("a", SaliencySettings("u2netp"))
    rows = ("spectral", "round 1", "round 2", "no prediction.flip", "labels.confidence")
    ablation, images = AblationSettings(BASE, "b", "c", rows=rows), TrainingImages(100, later=300, scored=50)
    cost = ablation_cost(ablation, images, workspace, config=config)
    one = training_cost(changed(BASE, {"rounds": 2}), images, workspace, config=config)
    found = {row.row.name: row.stages for row in cost.rows}
    assert dict(found["spectral"]) == one.scored and list(one.scored) == ["images", "saliency", "features"]
    assert "saliency" not in dict(found["round 1"])
    assert dict(found["round 2"][:2]) == one.later and list(one.later) == ["images", "saliency"]
    assert [stage for stage, _ in found["labels.confidence"]] == ["round 2", "round 2 masks"]


def test_the_estimate_of_an_ablation_counts_the_images_of_each_data_set(tmp_path):
    own, other = draw_folder(tmp_path / "own", count=5), draw_folder(tmp_path / "other", count=9, seed=6)
    workspace, config = open_workspace(tmp_path / "w"), RunConfig(str(own), SaliencySettings("u2netp"))
    run = Run("id", "name", config)
    for spec, images in ((own, TrainingImages(5)), (other, TrainingImages(5, later=9, scored=9, shared=True))):
        settings = AblationSettings(BASE, str(spec), str(spec), rows=("round 2",))
        expected = ablation_cost(settings, images, workspace, "cpu", config=config)
        assert cost_for(run, settings, workspace).total == pytest.approx(expected.total)


def test_progress_is_that_of_all_rows(tmp_path):
    ablation = AblationSettings(BASE, rows=("spectral", "round 1", "round 2"))
    cost, seen = ablation_cost(ablation, TrainingImages(100), open_workspace(tmp_path / "w")), []
    meter = Meter(cost.rows, seen.append)
    for row in cost.rows:
        meter.begin(row.row, row.seed)
        for stage in ("images", "round 1", "round 1 masks", "round 2", "round 2 masks"):
            for step in range(3):
                meter(Progress(stage, step, 2))
    steps = [p.step for p in seen]
    assert steps == sorted(steps) and {p.total for p in seen} == {-(-cost.total // 1)}
    assert next(p.stage for p in seen if p.step) == "round 1" and seen[-1].stage == "round 2"
    assert steps[-1] >= cost.total - ROW_SECONDS - 1

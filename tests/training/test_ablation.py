"""The plan of an ablation and its table, without any work."""

import json
from dataclasses import replace
from statistics import stdev

import pytest

from comus_core.config import RunConfig, SaliencySettings
from comus_core.errors import SettingsError
from comus_core.pipelines.ablation_cost import ROW_SECONDS, Meter, ablation_cost, cost_for
from comus_core.pipelines.ablation_rows import SWITCHES, Ablation, ablation_json, ablation_of, plan, table
from comus_core.pipelines.training_cost import training_cost
from comus_core.training import TrainingRequest, make_training
from comus_core.types import Progress
from comus_core.workspace import Run, open_workspace
from tests.builders import draw_folder

BASE = make_training(epochs=4, predict_flip=True, confidence=0.0, ema=0.0, jitter=0.0, predict_scales=False)
TABLE_5 = ["k-means", "spectral", "round 1, no filter", "round 1", "round 2"]


def test_the_first_rows_are_those_of_table_5_each_against_the_one_before():
    rows = plan(BASE)[:5]
    assert [row.name for row in rows] == TABLE_5
    assert [row.against for row in rows] == [None, *TABLE_5[:-1]]
    assert [row.round for row in rows] == [0, 0, 1, 1, 2]
    assert [row.method for row in rows] == ["kmeans", "spectral", None, None, None]
    ablation = Ablation(BASE, TrainingRequest(filter_percent=30), (7,))
    questions = [ablation.question(row, 7) for row in rows[2:]]
    assert [(s.rounds, r.filter_percent, r.seed) for s, r in questions] == [(1, 0, 7), (1, 30, 7), (2, 30, 7)]


def test_every_switch_is_turned_the_other_way_at_the_cheapest_round_that_shows_it():
    rows = {row.name: row for row in plan(BASE)[5:]}
    assert {"confidence", "predict_scales", "ema", "jitter", "no predict_flip", "no object_share"} <= set(rows)
    assert len(rows) == len(SWITCHES)
    assert (rows["confidence"].round, rows["confidence"].against, rows["confidence"].settings.rounds) == (
        2,
        "round 2",
        2,
    )
    assert (rows["no predict_flip"].round, rows["no predict_flip"].against) == (1, "round 1")
    for switch in SWITCHES:
        [row] = [row for row in rows.values() if next(iter(row.changes)) == switch.field]
        changed = {k for k in vars(BASE) if getattr(row.settings, k) != getattr(BASE, k)} - {"rounds"}
        held = {s.field for s in SWITCHES if s.needs == switch.field}
        assert changed == {switch.field} | held == set(row.changes) and row.settings.epochs == 4
    back = {row.name for row in plan(make_training(confidence=0.5, ema=0.9, predict_flip=False))}
    assert {"no confidence", "no ema", "predict_flip"} <= back


def test_what_would_change_nothing_has_no_row():
    def rows(**changes):
        return {row.name for row in plan(make_training(**changes))}

    assert "no surroundings" in rows() & rows(regroup=False) & rows(classifier_share=0.0)
    assert not {"surroundings", "no surroundings"} & rows(regroup=False, classifier_share=0.0)
    assert "surroundings" not in {row.name for row in plan(make_training("paper-voc"))}


def test_what_means_nothing_alone_goes_on_together_with_what_it_needs():
    paper = {row.name: row for row in plan(make_training("paper-voc"))}
    assert paper["predict_saliency"].changes == {"predict_saliency": 0.5, "object_share": 0.5}
    assert paper["object_share"].changes == {"object_share": 0.5}


def test_what_is_asked_comes_back_from_json():
    ablation = Ablation(BASE, TrainingRequest("a", "b", 10), (0, 5), ("round 1", "no predict_flip"))
    assert ablation_of(json.loads(json.dumps(ablation_json(ablation)))) == ablation
    assert [row.name for row in ablation.chosen] == ["round 1", "no predict_flip"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"rows": ("round 9",)}, "row 'round 9': choose from k-means; spectral"),
        ({"seeds": ()}, "no seed"),
        ({"seeds": (1, 1)}, "a seed is given twice: 1, 1"),
        ({"seeds": (-1,)}, "seed -1"),
    ],
)
def test_what_cannot_work_is_told(more, words):
    with pytest.raises(SettingsError, match=words):
        Ablation(BASE, **more)


def test_the_table_holds_means_spreads_and_differences():
    ablation = Ablation(BASE, TrainingRequest(), (0, 1, 2), ("spectral", "round 1, no filter", "round 1", "ema"))
    found = {("spectral", 0): {"miou": 40.0, "seconds": None}}
    found |= {("round 1, no filter", s): {"miou": 43.0 + s, "seconds": 10.0 + s} for s in range(3)}
    found |= {("round 1", s): {"miou": 46.0 + 2 * s, "seconds": 9.0} for s in range(2)}
    spectral, every, core, ema = table(ablation, found)
    assert (spectral["miou"], spectral["mean"], spectral["std"], spectral["difference"]) == ([40.0], 40.0, None, None)
    assert every["miou"] == [43.0, 44.0, 45.0] and every["std"] == stdev([43, 44, 45]) and every["seconds"] == 11
    assert (every["mean"], every["difference"], every["against"]) == (44.0, 4.0, "spectral")
    assert core["miou"] == [46.0, 48.0, None] and core["difference"] == 3.0
    assert ema["mean"] is ema["difference"] is ema["seconds"] is None and ema["miou"] == [None] * 3


def test_the_estimate_counts_each_network_and_its_masks_once(tmp_path):
    workspace = open_workspace(tmp_path / "w")
    one = training_cost(make_training(epochs=4), 100, workspace)
    rows = ("round 1", "round 2", "no predict_flip")
    cost = {c.row.name: c for c in ablation_cost(Ablation(BASE, rows=rows), 100, workspace).rows}
    assert [stage for stage, _ in cost["round 1"].stages] == ["round 1", "round 1 masks"]
    assert cost["round 1"].total == pytest.approx(one.training[0] + one.predicting + ROW_SECONDS)
    assert cost["round 2"].total == pytest.approx(one.training[1] + one.predicting + ROW_SECONDS)
    assert [stage for stage, _ in cost["no predict_flip"].stages] == ["round 1 masks"]
    for row in ("no regroup", "no surroundings"):  # other labels are another network
        found = ablation_cost(Ablation(BASE, rows=("round 1", row)), 100, workspace).rows[1]
        assert [stage for stage, _ in found.stages] == ["round 1", "round 1 masks"]
    named_alone = Ablation(replace(BASE, regroup=False), rows=("round 1", "no surroundings"))
    assert [stage for stage, _ in ablation_cost(named_alone, 100, workspace).rows[1].stages] == ["round 1 masks"]
    alone = ablation_cost(Ablation(BASE, seeds=(0, 1), rows=("round 2",)), 100, workspace)
    assert alone.total == pytest.approx(2 * (one.total + ROW_SECONDS)) and not alone.measured


def test_the_estimate_counts_what_looks_at_other_images_once(tmp_path):
    workspace, config = open_workspace(tmp_path / "w"), RunConfig("a", SaliencySettings("u2netp"))
    request = TrainingRequest(images="b", scored_on="c")
    rows = ("spectral", "round 1", "round 2", "no predict_flip", "confidence")
    cost = ablation_cost(Ablation(BASE, request, rows=rows), 100, workspace, later=300, scored=50, config=config)
    one = training_cost(BASE, 100, workspace, later=300, scored=50, config=config)
    found = {row.row.name: row.stages for row in cost.rows}
    assert dict(found["spectral"]) == one.scored and list(one.scored) == ["images", "saliency", "features"]
    assert "saliency" not in dict(found["round 1"])
    assert dict(found["round 2"][:2]) == one.later and list(one.later) == ["images", "saliency"]
    assert [stage for stage, _ in found["confidence"]] == ["round 2", "round 2 masks"]


def test_the_estimate_of_an_ablation_counts_the_images_of_each_data_set(tmp_path):
    own, other = draw_folder(tmp_path / "own", count=5), draw_folder(tmp_path / "other", count=9, seed=6)
    workspace, config = open_workspace(tmp_path / "w"), RunConfig(str(own), SaliencySettings("u2netp"))
    run = Run("id", "name", config)
    for request, counts in (
        (TrainingRequest(images=str(own), scored_on=str(own)), {}),
        (TrainingRequest(images=str(other), scored_on=str(other)), {"later": 9, "scored": 9}),
    ):
        wanted = Ablation(BASE, request, rows=("round 2",))
        expected = ablation_cost(wanted, 5, workspace, "cpu", **counts, config=config)
        assert cost_for(run, wanted, workspace).total == pytest.approx(expected.total)


def test_progress_is_that_of_all_rows(tmp_path):
    ablation = Ablation(BASE, rows=("spectral", "round 1", "round 2"))
    cost, seen = ablation_cost(ablation, 100, open_workspace(tmp_path / "w")), []
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

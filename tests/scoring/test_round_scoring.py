"""The score of a round in full, from Python and from the command line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.datasets.voc import CLASSES
from comus_core.errors import SettingsError
from comus_core.pipelines.train import train
from comus_core.runs.run_round import find_round
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.paper_scores import VOC_ROWS, paper_rows, same_images
from comus_core.scoring.round_scores import score_clusters, score_round
from comus_core.scoring.score_json import as_json
from comus_core.scoring.score_tables import deltas
from comus_core.training import TrainSettings, make_training
from comus_core.workspace.decisions import Decisions
from tests.builders import TINY_TRAINING, copy_of, score_run

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """(workspace, run, training) in a copy of the finished workspace."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("scored"))
    return workspace, run, train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)))


def test_a_trained_round_scores_as_its_training_said(trained):
    workspace, run, training = trained
    found = score_round(workspace, find_round(workspace, run.id, 1))
    entry = training.result["rounds"][1]
    assert (found.score.miou, found.score.per_class) == (entry["miou"], entry["per_class"])
    counts = workspace.artifacts.get("round_counts", training.artifacts["counts-1"])
    table = counts.table()
    assert list(found.rows.image_ids) == table.column("image_id").to_pylist()
    assert found.rows.by_image.toarray().tolist() == table.column("values").to_pylist()


def test_the_command_tells_what_python_does_and_the_differences_to_another_round(trained):
    workspace, run, _ = trained
    options = ["--against", run.id, "--images", "3", "--json", "-", "--workspace", str(workspace.root)]
    done = CliRunner().invoke(cli, ["scores", f"{run.id}@1", *options], catch_exceptions=False)
    text = done.output[: done.output.rindex("\n}") + 2]
    sides = [score_round(workspace, find_round(workspace, run.id, number)) for number in (1, 0)]
    found = json.loads(text)
    assert found == json.loads(json.dumps(as_json(*sides, most=3)))
    gained = sides[0].score.miou - sides[1].score.miou
    assert found["against"]["differences"]["mIoU"] == gained and f"{gained:+.2f}" in done.output[len(text) :]
    worst = [image["iou"] for image in found["worst"]]
    assert worst == sorted(sides[0].pixels.ious.tolist())[:3]
    assert np.array(found["confusion"]["pixels"]).sum() == sides[0].rows.contingency.sum()
    assert [row["name"] for row in found["per_class"]] == ["background", "disc", "square", "bar"]
    assert found["discovered"]["classes"] == [k for k, v in list(sides[0].score.per_class.items())[1:] if v >= 20]
    assert "disc" in done.output[len(text) :] and "worst images" in done.output


def test_the_filter_acts_on_round_0_alone(trained):
    workspace, run, _ = trained
    options = ["--core", "--workspace", str(workspace.root)]
    refused = CliRunner().invoke(cli, ["scores", f"{run.id}@1", *options])
    assert refused.exit_code == 2 and "no filter acts on" in refused.output
    done = CliRunner().invoke(cli, ["scores", run.id, *options, "--json", "-"], catch_exceptions=False)
    assert f'"miou": {score_run(workspace, run).filtered.miou}' in done.output


def test_scores_on_different_data_sets_are_not_subtracted(finished):
    from dataclasses import replace

    found = score_clusters(open_run_view(*finished), Decisions())
    with pytest.raises(SettingsError, match="comus compare"):
        deltas(found, replace(found, dataset="/elsewhere"))


def test_the_paper_is_held_against_its_own_classes_only():
    assert paper_rows("voc:/data:trainval", CLASSES) == VOC_ROWS
    assert paper_rows("/data/voc-lookalike", (*CLASSES[:-1], "screen")) == ()
    assert paper_rows("coco:/data:val", ["background", *map(str, range(80))])[1].discovered == 34
    assert same_images(VOC_ROWS[0], "voc:/data:val", 1449)
    assert not same_images(VOC_ROWS[0], "voc:/data:val", 300)
    assert not same_images(VOC_ROWS[0], "voc:/data:trainval", 1449)
    assert all(set(row.per_class) <= set(CLASSES) for row in VOC_ROWS)

"""Chosen proposals as files, read back by other means; what a round predicts of them; what has changed."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from comus_core import discover, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.maintenance.clean import plan_cleaning
from comus_core.proposals import mask_edits
from comus_core.proposals.pseudo_masks import to_png
from comus_core.runs.proposal_predictions import BACKGROUND, NO_MASK, has_predictions, of_proposals, predicted_of
from comus_core.runs.proposal_table import chosen_rows, encoded, format_of, in_order, proposal_table
from comus_core.runs.run_diff import CHANGES, category_in, changes, comparable
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.core_curves import core_curves, curve_table, means_of, worths
from comus_core.workspace import ArtifactKey
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import COVERED, Layout
from comus_core.workspace.selection_shapes import Gesture
from comus_core.workspace.selections import Selection
from comus_core.workspace.trainings import Training
from tests.builders import draw_folder, write_vectors


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(workspace, run, another run of the same proposals with other clusters)."""
    root = tmp_path_factory.mktemp("table")
    folder = draw_folder(root / "shapes", count=24, empty=2)
    vectors = write_vectors(folder, root / "vectors.npz", noise=2.0)
    workspace = open_workspace(root / "workspace")
    runs = [
        discover(
            make_config(
                dataset=str(folder),
                saliency={"detector": f"masks:{folder / 'masks'}"},
                features={"encoder": f"file:{vectors}"},
                clustering={"clusters": clusters, "neighbours": 6},
            ),
            workspace,
        )
        for clusters in (3, 4)
    ]
    return workspace, *runs


@pytest.fixture
def view(made):
    return open_run_view(made[0], made[1])


def left_half(view) -> Selection:
    points = view.points("pca").astype(float)
    (x0, y0), (_, y1) = points.min(axis=0) - 1, points.max(axis=0) + 1
    return Selection("k", "pca", (Gesture(((x0, y0), (0.0, y0), (0.0, y1), (x0, y1))),))


def test_a_csv_file_holds_what_is_known_of_each_chosen_proposal(view):
    decided = Decisions(filter_percent=40, names={1: 'cup, "blue"'})
    rows = chosen_rows(view, left_half(view), decided)
    assert set(rows) == set(np.flatnonzero(view.points("pca")[:, 0] < 0)) and len(rows) > 3
    read = list(csv.DictReader(io.StringIO(encoded(proposal_table(view, rows, decided), "csv").decode())))
    assert [line["proposal_id"] for line in read] == list(view.proposals.proposal_id[rows])
    kept = view.kept(decided)
    for line, row in zip(read, rows, strict=True):
        assert int(line["cluster"]) == view.cluster[row] and int(line["area"]) == view.proposals.mask(row).sum()
        assert line["name"] == decided.name_of(int(view.cluster[row]))
        assert (line["kept"] == "true") == kept[row] and line["class"] == view.classes[view.truth_class[row]]
        assert float(line["distance"]) == pytest.approx(view.distance[row], abs=1e-6)
        assert [int(line[k]) for k in ("x0", "y0", "x1", "y1")] == list(view.proposals.box_xyxy[row])


def test_rows_are_ordered_by_cluster_and_distance_with_those_in_none_last(view):
    without = replace(view, cluster=np.where(np.arange(len(view)) < 4, -1, view.cluster).astype(np.int32))
    rows = in_order(without, np.arange(len(view)), Decisions())
    keys = [(without.cluster[r] if without.cluster[r] >= 0 else 99, view.distance[r]) for r in rows[:-4]]
    assert keys == sorted(keys) and set(rows[-4:]) == {0, 1, 2, 3}
    table = proposal_table(without, rows, Decisions())
    assert table.column("distance").null_count == 4 and table.column("cluster").to_pylist()[-4:] == [-1] * 4


def test_the_command_writes_the_same_parquet_file(made, view, tmp_path):
    workspace, run, _ = made
    key = workspace.selections.keep("pca", left_half(view).gestures).key
    file = tmp_path / "chosen.parquet"
    words = ["proposals", run.id, "--selection", key, "-o", str(file), "--workspace", str(workspace.root)]
    answer = CliRunner().invoke(cli, words, catch_exceptions=False)
    decided = workspace.decisions_of(run)
    assert answer.exit_code == 0
    assert pq.read_table(file).equals(proposal_table(view, chosen_rows(view, left_half(view), decided), decided))


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(SettingsError, match=r"\.csv or \.parquet"):
        format_of(Path("table.xlsx"))


def test_the_curves_are_the_means_over_the_core_at_every_percentage(view):
    curves = core_curves(view, Decisions())
    for percent in (0, 1, 20, 55, 99, 100):
        core = view.kept(Decisions(filter_percent=percent))
        assert curves.kept[percent] == core.sum() and curves.coverage[percent] == core.sum() / len(view)
        for name, values in worths(view).items():
            assert curves.means[name][percent] == pytest.approx(values[core].mean(), rel=1e-12)
            assert means_of(view, core)[name] == pytest.approx(values[core].mean(), rel=1e-12)
    assert set(curves.means) == {"silhouette", "agreement", "confidence"}


def test_the_command_writes_the_curve_with_ground_truth_and_without(made, view, tmp_path):
    workspace, run, _ = made
    file = tmp_path / "curve.csv"
    words = ["filter-curve", run.id, "-o", str(file), "--workspace", str(workspace.root)]
    assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    read = list(csv.DictReader(file.open()))
    assert [float(line["filter_percent"]) for line in read] == list(range(101))
    assert float(read[0]["miou"]) == pytest.approx(run.result["evaluation"]["miou"], abs=1e-9)
    assert float(read[20]["miou"]) == pytest.approx(run.result["evaluation_filtered"]["miou"], abs=1e-9)
    assert "miou" not in curve_table(core_curves(view, Decisions())).column_names


def test_a_change_is_the_same_category_another_or_none():
    own, there = np.array([0, 1, 1, -1, -1]), np.array([0, 0, -1, -1, 2])
    assert [CHANGES[k] for k in changes(own, there)] == ["same", "other", "none", "same", "other"]
    assert list(changes(own, there, np.array([True, False, True, True, True]))) == [0, -1, 2, 0, 1]


def test_another_run_of_the_same_proposals_is_compared_and_no_other(made, view):
    workspace, _, other = made
    assert [found.id for found in comparable(view)] == [other.id]
    number, names, own = category_in(view, other, Decisions())
    theirs = open_run_view(workspace, other)
    assert (number == theirs.cluster).all() and len(names) == 4 and set(own) <= {-1, 0, 1, 2}
    with pytest.raises(WorkspaceError, match="other proposals"):
        category_in(view, replace(other, artifacts=other.artifacts | {"proposals": "0" * 16}), Decisions())


def test_the_prediction_of_a_proposal_is_the_category_of_most_of_its_pixels(made, view):
    masks = {}
    for image_id in list(view.image_ids)[:-4]:
        height, width = view.image_sizes[view.image_row_of[image_id]]
        stripes = np.random.default_rng(len(masks)).integers(0, 4, width).repeat(height).reshape(width, height).T
        masks[image_id] = stripes.astype(np.uint8)

    def write(folder):
        for k, mask in enumerate(masks.values()):
            (folder / f"{k}.png").write_bytes(to_png(mask))
        pq.write_table(
            pa.table({"image_id": list(masks), "file": [f"{k}.png" for k in range(len(masks))]}),
            folder / "table.parquet",
        )

    workspace, run, _ = made
    key = ArtifactKey("predictions", 1, {"test": 1}, {"images": run.artifacts["images"]})
    predictions = workspace.artifacts.make(key, write)
    result = {"categories": [{"id": k, "name": f"cluster {k}"} for k in range(3)]}
    older = Training("older", run.id, "done", artifacts={"predictions-1": predictions.fingerprint}, result=result)
    workspace.trainings.save(older)
    assert not has_predictions(view, 1)
    with pytest.raises(WorkspaceError, match="the same training again"):
        predicted_of(view, 1, Decisions())
    counted = {name: found.fingerprint for name, found in of_proposals(workspace, run, predictions, 1).items()}
    workspace.trainings.save(replace(older, artifacts=older.artifacts | counted))
    assert has_predictions(view, 1)
    found = predicted_of(view, 1, Decisions())
    gone = plan_cleaning(workspace, now=time.time() + 10_000)["unused"].folders
    assert not [folder for folder in gone if folder.parent.name in ("predictions", "proposal_predictions")]
    for row, image_id in enumerate(view.proposals.image_id):
        if image_id not in masks:
            assert found[row] == NO_MASK
            continue
        inside = masks[image_id][view.proposals.mask(row)]
        assert found[row] == np.bincount(inside, minlength=4).argmax() - 1
    assert BACKGROUND in found and found.max() > 0
    row, gone = 3, 4
    stripe = np.zeros_like(view.proposals.mask(row))
    stripe[:, 5:7] = True
    texts = {view.proposals.proposal_id[row]: mask_edits.encoded(stripe), view.proposals.proposal_id[gone]: COVERED}
    drawn = predicted_of(view, 1, Decisions(layout=Layout(redrawn=texts)))
    inside = masks[view.proposals.image_id[row]][stripe]
    assert drawn[row] == np.bincount(inside, minlength=4).argmax() - 1 and drawn[gone] == BACKGROUND
    others = [k for k in range(len(view)) if k not in (row, gone)]
    assert np.array_equal(drawn[others], found[others])

"""What the map's colours mean: values on a scale, predictions of a round, changes, and the many small categories."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.components.map.plain_map import MOST as MOST_PLAIN
from app.components.map.plain_map import figure, gestures_of, sampled
from app.data import colouring as colourings
from app.data.colour_scale import LEVELS, Scale, level_colours, levels_of
from app.data.colouring import MOST, Colouring, colouring, colouring_version, offered
from app.data.palette import DARK_PAGE, LIGHT_PAGE, OTHER, UNASSIGNED, VISION, colours, contrast, oklab
from comus_core.errors import WorkspaceError
from comus_core.proposals.pseudo_masks import to_png
from comus_core.runs.proposal_predictions import of_proposals
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import ArtifactKey
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selection_shapes import Gesture
from comus_core.workspace.trainings import Training


@pytest.mark.parametrize("vision", VISION)
def test_along_the_ramp_it_gets_lighter_for_every_eye(vision):
    lightness = oklab(list(level_colours()), vision)[:, 0]
    assert (np.diff(lightness[::8]) > 0).all() and lightness[-1] - lightness[0] > 0.25


def test_ramp_and_fixed_colours_stand_out_on_both_pages():
    fixed = [OTHER, colourings.SAME, colourings.CHANGED, colourings.GONE, *level_colours()]
    assert min(contrast(colour, page) for colour in fixed for page in (LIGHT_PAGE, DARK_PAGE)) > 1.7


@pytest.mark.parametrize("vision", VISION)
def test_changes_are_told_apart_by_every_eye(vision):
    lab = oklab([colourings.SAME, colourings.CHANGED, colourings.GONE], vision)
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(lab, 2)) > 0.08


def test_other_is_none_of_the_eighty_colours_nor_the_grey_of_unassigned():
    lab = oklab([OTHER, UNASSIGNED, *colours(80)])
    assert np.linalg.norm(lab[1:] - lab[0], axis=1).min() > 0.04


def test_a_level_holds_the_values_of_its_even_part_of_the_range():
    values = np.array([2.0, 2.01, 3.999, 4.0, 6.0, np.nan])
    scale = Scale.over(values, "x", "")
    assert (scale.low, scale.high) == (2.0, 6.0)
    step = 4 / LEVELS
    assert list(levels_of(values, scale)) == [0, int(0.01 / step), int(1.999 / step), LEVELS // 2, LEVELS - 1, -1]


def test_a_scale_of_even_ratios_has_the_geometric_mean_in_its_middle():
    scale = Scale.over(np.array([0.0, 0.1, 40.0]), "size", "%", even_ratios=True)
    assert scale.at(0.5) == pytest.approx((0.1 * 40) ** 0.5) and scale.words(scale.at(1)) == "40 %"
    assert levels_of(np.array([0.0, 2.0, 40.0]), scale).tolist() == [0, LEVELS // 2, LEVELS - 1]


def test_one_value_alone_or_none_has_a_scale_too():
    assert levels_of(np.full(3, 5.0), Scale.over(np.full(3, 5.0), "x", "")).tolist() == [0, 0, 0]
    assert levels_of(np.full(2, np.nan), Scale.over(np.full(2, np.nan), "x", "")).tolist() == [-1, -1]


def test_the_smallest_of_too_many_categories_share_one_name_and_colour():
    n = MOST + 5
    index = np.repeat(np.arange(n), np.arange(1, n + 1))[::-1].astype(np.int32)
    index = np.append(index, np.int32(-1))
    whole = Colouring(tuple(f"c{k}" for k in range(n)), tuple(colours(n)), "none", index)
    folded = whole.on_map()
    assert len(folded.names) == MOST + 1 and folded.names[-1] == "Other (5 categories)" and folded.colours[-1] == OTHER
    for before, after in zip(index, folded.index, strict=True):
        assert after == (-1 if before < 0 else MOST if before < 5 else before - 5)
        assert before < 5 or (folded.names[after], folded.colours[after]) == (
            whole.names[before],
            whole.colours[before],
        )


def test_few_categories_are_shown_as_they_are():
    whole = Colouring(("a", "b"), ("#000000", "#ffffff"), "none", np.array([0, 1], np.int32))
    assert whole.on_map() is whole


@pytest.fixture
def trained(changeable):
    """(view, prediction of each proposal): of a round to which every other image is category 1, the rest background."""
    workspace, run = changeable
    view = open_run_view(workspace, run)

    def write(folder):
        files = []
        for k in range(len(view.image_ids)):
            height, width = view.image_sizes[k]
            (folder / f"{k}.png").write_bytes(to_png(np.full((height, width), 2 * (k % 2), np.uint8)))
            files.append(f"{k}.png")
        table = pa.table({"image_id": pa.array(view.image_ids, pa.string()), "file": files})
        pq.write_table(table, folder / "table.parquet")

    key = ArtifactKey("predictions", 1, {"test": "every other"}, {"images": run.artifacts["images"]})
    made = workspace.artifacts.make(key, write)
    categories = [{"id": k, "name": f"cluster {k}"} for k in range(5)]
    counted = of_proposals(workspace, run, made, 1)
    artifacts = {"predictions-1": made.fingerprint} | {name: found.fingerprint for name, found in counted.items()}
    workspace.trainings.save(Training("t", run.id, "done", artifacts=artifacts, result={"categories": categories}))
    odd = np.array([view.image_row_of[i] % 2 for i in view.proposals.image_id], bool)
    return view, np.where(odd, 1, -1)


def test_a_rounds_prediction_colours_by_what_it_calls_each_proposal(trained):
    view, predicted = trained
    decided = Decisions(names={1: "cup"})
    found = colouring(view, "prediction-1", decided)
    assert "Prediction of round 1" in offered(view).values()
    assert [found.name(row) for row in range(len(view))] == ["cup" if p == 1 else "background" for p in predicted]
    assert {found.colour(row) for row in np.flatnonzero(predicted == 1)} == {colours(5)[1]}


def test_a_change_to_a_round_says_from_which_category_to_which(trained):
    view, predicted = trained
    found = colouring(view, "change-round-1", Decisions())
    for row in range(len(view)):
        own, there = f"cluster {view.cluster[row]}", "cluster 1" if predicted[row] == 1 else "background"
        assert found.name(row) == (own if own == there else f"{own} → {there}")
        kind = "same as its cluster" if own == there else "background" if predicted[row] < 0 else "another category"
        assert found.names[found.index[row]] == kind


def test_a_change_to_another_run_goes_by_the_clusters_that_stand_for_each_other(changeable):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    assert not [by for by in offered(view) if by.startswith("change")]
    swapped = np.array([1, 0, 2, 3, 4])[view.cluster]
    swapped[:6] = 3

    def write(folder):
        columns = {"proposal_id": pa.array(view.proposals.proposal_id, pa.string())}
        columns |= {"cluster": pa.array(swapped, pa.int32()), "distance": pa.array(view.distance)}
        pq.write_table(pa.table(columns), folder / "table.parquet")
        np.savez(folder / "spectrum.npz", centres=np.zeros((5, 2)))

    made = workspace.artifacts.make(ArtifactKey("clustering", 2, {"test": "swapped"}), write)
    other = workspace.runs.save(replace(run, id="other", artifacts=run.artifacts | {"clustering": made.fingerprint}))
    found = colouring(view, f"change-run-{other.id}", Decisions())
    moved = np.zeros(len(view), bool)
    moved[:6] = view.cluster[:6] != 3
    assert (found.index == np.where(moved, 1, 0)).all()
    row = int(np.flatnonzero(moved)[0])
    assert found.name(row) == f"cluster {view.cluster[row]} → cluster 3"


def test_what_a_run_cannot_be_coloured_by_is_refused(changeable):
    view = open_run_view(*changeable)
    for by in ("mood", "prediction-1", "prediction-x", "change-round-7", "change-run-nobody"):
        with pytest.raises(WorkspaceError, match="colouring"):
            colouring(view, by, Decisions())


def test_a_colouring_has_another_version_exactly_when_it_may_look_different(trained):
    view, _ = trained
    plain, named = Decisions(), Decisions(version=5, filter_percent=50)
    for by in ("confidence", "size", "truth", "prediction-1"):
        assert colouring_version(view, by, plain) == colouring_version(view, by, named)
    assert colouring_version(view, "core", plain) != colouring_version(view, "core", named)
    assert len({colouring_version(view, by, plain) for by in ("truth", "core", "prediction-1", "change-round-1")}) == 4


def test_plotlys_lasso_and_boxes_become_the_same_gestures_as_the_maps():
    lasso = {"lasso": [{"x": [0, 1, 0], "y": [0, 0, 1]}], "box": [{"x": [0, 2], "y": [3, 5]}]}
    triangle, box = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), ((0.0, 3.0), (2.0, 3.0), (2.0, 5.0), (0.0, 5.0))
    assert gestures_of(lasso, "replace") == (Gesture(triangle, "replace"), Gesture(box, "add"))
    assert gestures_of(lasso, "subtract") == (Gesture(triangle, "subtract"), Gesture(box, "subtract"))
    assert gestures_of({"lasso": [], "box": []}, "replace") == ()


def test_plotlys_map_draws_all_of_few_points_and_twenty_thousand_of_many():
    assert sampled(3).tolist() == [0, 1, 2]
    rows = sampled(3 * MOST_PLAIN)
    assert len(np.unique(rows)) == MOST_PLAIN and rows.max() < 3 * MOST_PLAIN
    index = np.array([0, 1, 1, -1], np.int32)
    shown = Colouring(("a", "b"), ("#ff0000", "#00ff00"), "none", index)
    points = np.arange(8.0).reshape(4, 2)
    plot = figure(points, np.arange(4), shown, [Gesture(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))], 400)
    assert [(t.name, list(t.x)) for t in plot.data] == [("b (2)", [2.0, 4.0]), ("a (1)", [0.0]), ("none (1)", [6.0])]
    assert len(plot.layout.shapes) == 1

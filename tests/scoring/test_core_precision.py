"""The precision of the core, counted proposal by proposal at each percentage."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import curation
from comus_core.cli.main import cli
from comus_core.evaluation.counts import Counts
from comus_core.evaluation.matching import Matching
from comus_core.runs.run_view import RunView
from comus_core.scoring.core_precision import majority_class, precision_curve, precision_of, rightness
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace.decisions import Decisions


def by_brute_force(view, decided, class_of) -> float:
    """The share among core proposals with a counted pixel, one at a time."""
    pixels = dict(zip(view.counts.proposal_id, view.counts.values.toarray().tolist(), strict=True))
    categories, right, known = view.categories(decided), 0, 0
    for row in np.flatnonzero(view.kept(decided)):
        of_class = pixels[view.proposals.proposal_id[row]]
        if sum(of_class) and categories.category[row] >= 0:
            known += 1
            right += of_class.index(max(of_class)) == class_of[categories.category[row] + 1]
    return right / known if known else math.nan


@pytest.mark.parametrize("by", ["distance", "silhouette"])
def test_at_every_percentage_the_share_is_that_of_the_core(curated_view, by):
    view = curated_view
    curation.merge(view, [1, 3])
    curation.reject(view, [4])
    decided = replace(curation.decided_in(view), filter_by=by)
    matching = score_clusters(view, decided).matched
    curve = precision_curve(view, decided, rightness(view, decided, matching))
    assert len(curve) == 101 and len(set(np.round(curve, 9))) > 5, "it varies"
    for percent in range(101):
        draft = replace(decided, filter_percent=float(percent))
        assert curve[percent] == pytest.approx(by_brute_force(view, draft, matching.class_of), abs=1e-12), percent
        assert precision_of(rightness(view, draft, matching), view.kept(draft)) == pytest.approx(curve[percent])


def test_the_percentage_of_one_cluster_varies_alone(curated_view):
    view, decided = curated_view, curation.decided_in(curated_view)
    matching = score_clusters(view, decided).matched
    curve = precision_curve(view, decided, rightness(view, decided, matching), cluster=2)
    for percent in (0, 35, 60, 100):
        draft = replace(decided, cluster_percent={2: float(percent)})
        assert curve[percent] == pytest.approx(by_brute_force(view, draft, matching.class_of), abs=1e-12)


def test_background_counts_ties_go_to_the_first_and_what_is_not_counted_is_left_out(curated_view):
    view = curated_view
    ids = view.proposals.proposal_id[:4]
    values = np.array([[5, 3, 0, 0], [2, 2, 0, 0], [0, 4, 4, 1], [0, 0, 0, 0]])
    counted = Counts(view.proposals.image_id[:4], ids, values)
    few = replace(view)
    few.__dict__["counts"] = counted
    assert list(majority_class(few, Decisions())[:5]) == [0, 0, 1, -1, -1]
    category = view.categories(Decisions()).category
    class_of = np.full(len(view.categories(Decisions()).ids) + 1, -1)
    class_of[1:][category[2]] = 1
    right = rightness(few, Decisions(), Matching("majority", class_of))
    assert right[2] == 1 and np.isnan(right[3:]).all()
    wrong = rightness(few, Decisions(), Matching("majority", np.full(len(class_of), -1)))
    assert list(wrong[:3]) == [0, 0, 0], "a category without a class has no right proposal"
    assert isinstance(few, RunView) and math.isnan(precision_of(right, np.zeros(len(view), bool)))


def test_the_command_writes_the_curve(curated_view, tmp_path):
    view, out = curated_view, tmp_path / "curve.csv"
    words = ["filter-curve", view.run.id, "-o", str(out), "--workspace", str(view.workspace.root)]
    assert CliRunner().invoke(cli, words, catch_exceptions=False).exit_code == 0
    with out.open() as file:
        lines = list(csv.DictReader(file))
    matching = score_clusters(view, Decisions()).matched
    for percent in (0, 50, 100):
        expected = by_brute_force(view, Decisions(filter_percent=float(percent)), matching.class_of)
        assert float(lines[percent]["core_precision"]) == pytest.approx(expected)

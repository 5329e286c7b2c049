"""The ranking by similarity, against the rule done proposal by proposal."""

import math
from dataclasses import replace

import numpy as np
import pytest

from comus_core.errors import SettingsError
from comus_core.runs import similarity
from comus_core.runs.run_view import open_run_view
from comus_core.runs.similarity import Ranking, ranked, rows_of_ids, similarities, vectors_of_rows


@pytest.fixture
def view(finished):
    return open_run_view(*finished)


def cosine(one, other) -> float:
    length = math.sqrt(sum(v * v for v in one)) * math.sqrt(sum(v * v for v in other))
    return sum(a * b for a, b in zip(one, other, strict=True)) / length if length else 0.0


def by_brute_force(view, wanted, by) -> dict[str, float]:
    """Proposal id -> similarity."""
    queries = [[float(v) for v in vector] for vector in wanted]
    unit = [[v / math.sqrt(sum(w * w for w in q)) for v in q] for q in queries]
    mean = [sum(column) / len(unit) for column in zip(*unit, strict=True)]
    compared = [mean] if by == "mean" else queries
    vectors = [[float(v) for v in vector] for vector in np.asarray(view.vectors())]
    return {
        str(p): max(cosine(vector, q) for q in compared)
        for p, vector in zip(view.proposals.proposal_id, vectors, strict=True)
    }


@pytest.mark.parametrize("by", ["mean", "nearest"])
@pytest.mark.parametrize("rows", [[3], [0, 1, 11]])
@pytest.mark.parametrize("block", [7, 8192])
def test_proposals_are_ranked_by_cosine_and_ties_by_id(view, rows, by, block, monkeypatch):
    monkeypatch.setattr(similarity, "BLOCK", block)
    wanted = 5 * np.asarray(view.vectors())[rows]  # the length does not matter
    expected = {p: round(value, 6) for p, value in by_brute_force(view, wanted, by).items()}
    found = ranked(view, similarities(view, wanted, by))
    assert [str(p) for p in view.proposals.proposal_id[found.rows]] == sorted(expected, key=lambda p: (-expected[p], p))
    assert found.similarity == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-9)


def test_the_mean_and_the_nearest_differ(view):
    wanted = np.asarray(view.vectors())[[0, 1, 2]]
    mean, nearest = (similarities(view, wanted, by) for by in ("mean", "nearest"))
    assert nearest[[0, 1, 2]] == pytest.approx([1, 1, 1]) and (mean[[0, 1, 2]] < 0.999).all()


def test_equal_proposals_come_in_the_order_of_their_ids(view):
    names = [f"a#{n}" for n in range(len(view))]  # a#10 comes before a#2
    named = replace(view, proposals=replace(view.proposals, proposal_id=np.array(names, object)))
    found = ranked(named, np.full(len(view), 0.5), np.arange(len(view)) != 4)
    assert [names[row] for row in found.rows] == sorted(name for name in names if name != "a#4")


def test_rows_are_joined_by_id_where_features_are_in_another_order(view, monkeypatch):
    ids, vectors = similarity.tables.read_vectors(view.workspace.artifact(view.run, "features"))
    expected = similarities(view, vectors_of_rows(view, np.array([5])))
    assert expected[5] == 1 and (np.sort(expected)[:-1] < 1).all()
    turned = np.random.default_rng(0).permutation(len(ids))
    monkeypatch.setattr(similarity.tables, "read_vectors", lambda _: (ids[turned], vectors[turned]))
    monkeypatch.setattr(similarity, "BLOCK", 4)
    assert (similarities(view, vectors_of_rows(view, np.array([5]))) == expected).all()


def test_a_threshold_parts_the_ranking():
    found = Ranking(np.arange(5), np.array([0.9, 0.8, 0.8, 0.5, -0.1]))
    assert [found.count(t) for t in (1, 0.9, 0.85, 0.8, 0.500001, 0.5, -1)] == [0, 1, 1, 3, 3, 4, 5]
    assert [found.at(n) for n in (0, 1, 2, 4, 9)] == [1, 0.9, 0.8, 0.5, -0.1]
    above, below = found.border(0.8, 2)
    assert (list(above), list(below)) == ([2, 1], [3, 4])
    above, below = found.border(0.95, 3)
    assert (list(above), list(below)) == ([], [0, 1, 2])
    above, below = found.border(-1, 9)
    assert (list(above), list(below)) == ([4, 3, 2, 1, 0], [])
    nothing = Ranking(np.zeros(0, int), np.zeros(0))
    assert (nothing.count(0.5), nothing.at(3), len(nothing)) == (0, 1, 0)


def test_a_vector_of_zeros_is_similar_to_nothing(view):
    assert (similarities(view, np.zeros((1, 16))) == 0).all()
    opposite = np.stack([np.ones(16), -np.ones(16)])
    assert (similarities(view, opposite) == 0).all()


def test_what_cannot_be_compared_is_refused(view):
    with pytest.raises(SettingsError, match=r"3 dimensions, but those of run .* have 16"):
        similarities(view, np.ones((1, 3)))
    with pytest.raises(SettingsError, match="nothing to compare with"):
        similarities(view, np.zeros((0, 16)))
    with pytest.raises(SettingsError, match="by 'most': choose one of mean, nearest"):
        similarities(view, np.ones((1, 16)), "most")
    with pytest.raises(SettingsError, match=r"no proposal x#0 in run .*; ids are such as images/000\.png#0"):
        rows_of_ids(view, ["images/000.png#0", "x#0"])
    assert list(rows_of_ids(view, ["images/002.png#0", "images/000.png#0", "images/002.png#0"])) == [2, 0]

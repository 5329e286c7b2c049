"""Merge, split, reject and move on a real run: what becomes of categories, ranks and ids."""

import shutil
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from comus_core import curation, discover, open_workspace
from comus_core.clustering.clusters import cluster
from comus_core.config import FilterBy
from comus_core.curation.filter_draft import apply, with_by
from comus_core.curation.filter_explanation import explain_filter
from comus_core.errors import ConflictError, SettingsError, WorkspaceError
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import summaries
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace.decisions import Decisions


@pytest.fixture
def view(curated_view):
    return curated_view


def rows_of(view, decided, category):
    found = view.categories(decided)
    return np.flatnonzero(found.id_of == category)


def test_a_split_is_the_clustering_of_its_own_proposals_and_the_largest_part_keeps_the_id(view):
    rows = np.flatnonzero(view.cluster == 0)
    proposed = curation.propose_split(view, 0, 3)
    oracle = cluster(view.vectors()[rows], view.run.config.clustering, 3, view.run.config.seed)
    assert np.array_equal(proposed.rows, rows) and np.array_equal(proposed.part, oracle.cluster)
    decided = curation.split(view, proposed)
    found = view.categories(decided)
    assert found.ids == (0, 1, 2, 3, 4, 5, 6, 7)
    for part, category in enumerate((0, 6, 7)):
        assert np.array_equal(rows_of(view, decided, category), rows[oracle.cluster == part])
    assert np.allclose(found.distance[rows], oracle.distance, atol=1e-6)
    assert np.array_equal(found.distance[view.cluster != 0], view.distance[view.cluster != 0])
    sizes = [len(found.rows[found.ids.index(k)]) for k in (0, 6, 7)]
    assert sizes == sorted(sizes, reverse=True)


def test_a_split_is_read_back_without_the_vectors(view):
    decided = curation.split(view, curation.propose_split(view, 0, 2))
    before = view.categories(decided)
    shutil.rmtree(view.workspace.artifact(view.run, "features").folder)
    again = open_run_view(open_workspace(view.workspace.root), view.run)
    after = again.categories(curation.decided_in(again))
    assert np.array_equal(after.category, before.category) and np.array_equal(after.rank, before.rank)


def test_merge_split_move_then_as_many_undos_restore_every_category_rank_and_score(view):
    start = curation.decided_in(view)
    before, score = view.categories(start), score_clusters(view, start, filtered=True).score
    curation.split(view, curation.propose_split(view, 2, 2))
    curation.merge(view, [0, 6])
    curation.move(view, [str(view.proposals.proposal_id[0])], 3)
    changed = curation.reject(view, [1])
    assert not np.array_equal(view.categories(changed).category, before.category)
    for _ in range(4):
        decided = curation.undo(view)
    assert replace(decided, version=0) == replace(start, version=0)
    after = view.categories(decided)
    for name in ("category", "distance", "rank", "by_hand"):
        assert np.array_equal(getattr(after, name), getattr(before, name))
    assert score_clusters(view, decided, filtered=True).score == score
    for _ in range(4):
        decided = curation.redo(view)
    assert replace(decided, version=0) == replace(changed, version=0)


def test_an_id_given_once_is_never_given_again(view):
    curation.split(view, curation.propose_split(view, 0, 2))
    curation.undo(view)
    decided = curation.split(view, curation.propose_split(view, 1, 2))
    assert view.categories(decided).ids == (0, 1, 2, 3, 4, 5, 7)
    curation.undo(view)
    curation.rename(view, 2, "fish")  # from now on no redo brings 7 back
    decided = curation.split(view, curation.propose_split(view, 1, 2))
    assert view.categories(decided).ids == (0, 1, 2, 3, 4, 5, 8)


def test_a_moved_proposal_is_kept_at_every_filter_and_the_count_stays_the_contracts(view):
    far = [str(view.proposals.proposal_id[r]) for r in view.categories(Decisions()).rows[0][-2:]]
    decided = curation.move(view, far, 3)
    found = view.categories(decided)
    moved = [view.row_of[p] for p in far]
    assert (found.id_of[moved] == 3).all() and found.by_hand[moved].all()
    n = len(found.rows[3])
    for percent in (10, 50, 90, 100):
        keep = found.kept(replace(decided, filter_percent=percent))
        assert keep[moved].all()
        assert keep[found.category == 3].sum() == max(2, int(np.ceil((100 - percent) * (n - 1) / 100)))
    assert set(found.rows[3][:2]) == set(moved)


@pytest.mark.parametrize("by", ["silhouette", "density", "agreement"])
def test_a_category_with_a_part_of_a_split_is_ranked_by_distance_and_others_by_what_the_filter_ranks_by(view, by):
    curation.split(view, curation.propose_split(view, 0, 2))
    curation.merge(view, [1, 6])  # what was split off joins another
    proposal = str(view.proposals.proposal_id[np.flatnonzero(view.cluster == 3)[0]])
    curation.move(view, [proposal], 4)
    decided = curation.decided_in(view)
    decided = apply(view.workspace, view.run, decided, with_by(decided, by))
    found = view.categories(decided)
    assert found.ids == (0, 1, 2, 3, 4, 5) and found.by_distance.tolist() == [True, True, *[False] * 4]
    for number, rows in enumerate(found.rows):
        values = found.distance if found.by_distance[number] else view.alternatives[by]
        keys = {row: (not found.by_hand[row], values[row], view.proposals.proposal_id[row]) for row in rows.tolist()}
        if number == 4:
            assert rows[0] == view.row_of[proposal]
        assert rows.tolist() == sorted(keys, key=keys.__getitem__)
        standings = [explain_filter(view, row, decided) for row in keys]
        assert {s.by for s in standings} == {"distance" if found.by_distance[number] else by}
    drafted = with_by(decided, "distance")
    assert not view.categories(drafted).by_distance.any()
    assert view.categories(drafted).rows[0].tolist() == found.rows[0].tolist()


def test_clusters_with_noise_can_be_decided_on_and_ranked_by_anything(curated_run, tmp_path):
    _, run = curated_run
    config = replace(run.config, clustering=replace(run.config.clustering, clusters=None, method="hdbscan"))
    run = discover(config, open_workspace(tmp_path))
    view = open_run_view(open_workspace(tmp_path), run)
    noise = np.flatnonzero(view.cluster < 0)
    assert view.clusters >= 1 and len(noise) and run.result["clusters_because"] is None
    moved = str(view.proposals.proposal_id[noise[0]])
    curation.move(view, [moved], 0)
    rows = np.sort(view.categories(curation.decided_in(view)).rows[0])
    curation.split(view, curation.propose_split(view, 0, 2))
    decided = curation.move(view, [str(view.proposals.proposal_id[noise[1]])], 0)
    for by in get_args(FilterBy):
        found = view.categories(with_by(decided, by))
        assert sorted(np.concatenate([found.rows[0], found.rows[-1]]).tolist()) == sorted([*rows, noise[1]])
        assert (found.category[noise[2:]] == -1).all() and not np.isnan(found.rank).any()
        assert not view.kept(with_by(decided, by))[noise[2:]].any()
        assert score_clusters(view, with_by(decided, by), filtered=True).score.miou > 0
    assert all(np.isfinite(s.spread) for s in summaries(view, decided))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda v: curation.merge(v, [0, 17]), "no category 17"),
        (lambda v: curation.propose_split(v, 0, 1), "from 2 to 20"),
        (lambda v: curation.propose_split(v, 99, 2), "no category 99"),
        (lambda v: curation.move(v, ["nobody#0"], 1), "proposal nobody#0"),
        (lambda v: curation.move(v, [str(v.proposals.proposal_id[0])], 17), "no category 17"),
        (lambda v: curation.undo(v), "nothing to undo"),
    ],
)
def test_what_is_not_there_is_told_and_nothing_is_decided(view, act, message):
    before = curation.decided_in(view).version
    with pytest.raises(SettingsError, match=message):
        act(view)
    assert curation.decided_in(view).version == before


def test_a_split_looked_at_before_someone_moved_its_proposals_is_refused(view):
    seen = curation.decided_in(view).version
    proposed = curation.propose_split(view, 0, 2)
    curation.move(view, [str(view.proposals.proposal_id[proposed.rows[0]])], 1)
    with pytest.raises(ConflictError, match="move"):
        curation.split(view, proposed, based_on=seen)


def test_a_category_is_called_by_its_id_or_by_a_name_that_only_it_has(view):
    curation.rename(view, 1, "Bird")
    curation.rename(view, 2, "fish")
    decided = curation.rename(view, 3, "fish")
    assert [curation.find_category(view, decided, w) for w in ("4", "bird ", "cluster 0")] == [4, 1, 0]
    with pytest.raises(WorkspaceError, match="2 categories have the name 'fish'"):
        curation.find_category(view, decided, "fish")
    decided = curation.merge(view, [1, 4])
    with pytest.raises(WorkspaceError, match="merged into category 1"):
        curation.find_category(view, decided, "4")

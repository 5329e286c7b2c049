"""After a merge the core is that of one category: ranked by the distance to the mean of all of its proposals."""

import math
from dataclasses import replace

import numpy as np
import pytest

from comus_core import curation, open_workspace
from comus_core.curation.merged_centre import exact
from comus_core.datasets.dataset import open_dataset
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.artifact_readers import categories_of, read_clusters
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.stages.context import StageContext
from comus_core.stages.masks import pseudo_masks
from comus_core.workspace.layout import packed
from tests.builders import score_run


@pytest.fixture
def view(curated_view):
    return curated_view


def distances(view, inside, centre_of=None) -> dict[str, float]:
    """Proposal id -> cosine distance to the mean, one by one from the files as they are stored."""
    folder = view.workspace.artifact(view.run, "clustering").folder
    ids = read_clusters(view.workspace.artifact(view.run, "clustering")).proposal_id
    row_of = dict(zip(ids, np.load(folder / "embedding.npy").astype(np.float64), strict=True))
    centred = [row_of[p] for p in (inside if centre_of is None else centre_of)]
    centre = [math.fsum(row[k] for row in centred) / len(centred) for k in range(len(centred[0]))]
    found = {}
    for p in inside:
        row = row_of[p]
        dot = math.fsum(a * b for a, b in zip(row, centre, strict=True))
        length = math.sqrt(math.fsum(a * a for a in row)) * math.sqrt(math.fsum(b * b for b in centre))
        found[p] = 1 - dot / length
    return found


def in_order(distance: dict[str, float]) -> list[str]:
    return sorted(distance, key=lambda p: (np.float32(distance[p]), p))


def ids_of(view, rows) -> list[str]:
    return [str(p) for p in view.proposals.proposal_id[rows]]


def test_a_merged_category_is_ranked_by_the_distance_to_the_mean_of_all_its_proposals(view):
    before = view.categories(curation.decided_in(view))
    inside = ids_of(view, np.flatnonzero(np.isin(view.cluster, [1, 4])))
    by_two_centres = sorted(inside, key=lambda p: (view.distance[view.row_of[p]], p))
    wanted = distances(view, inside)
    decided = curation.merge(view, [4, 1])
    found = view.categories(decided)
    assert found.ids == (0, 1, 2, 3, 5)
    assert ids_of(view, found.rows[1]) == in_order(wanted) != by_two_centres
    for p in inside:
        assert abs(found.distance[view.row_of[p]] - wanted[p]) < 1e-6
    for percent in (0, 1, 30, 55, 99, 100):
        kept = found.kept(replace(decided, filter_percent=percent))
        n = len(inside)
        number = n if percent == 0 else max(1, -(-(100 - percent) * (n - 1) // 100))
        core = set(in_order(wanted)[:number])
        assert {p for p in inside if kept[view.row_of[p]]} == core
    others = ~np.isin(view.cluster, [1, 4])
    assert np.array_equal(found.rank[others], before.rank[others])


def test_scores_masks_and_categories_read_without_the_view_have_the_same_core(view):
    decided = curation.merge(view, [0, 2])
    table = read_clusters(view.workspace.artifact(view.run, "clustering"))
    read = categories_of(table, decided)
    kept = dict(zip(table.proposal_id, read.kept(decided), strict=True))
    assert [kept[p] for p in view.proposals.proposal_id] == view.kept(decided).tolist()
    here, there = score_clusters(view, decided, filtered=True).score, score_run(view.workspace, view.run)
    assert here.miou == there.filtered.miou


def test_undo_gives_back_exactly_the_old_core_and_redo_the_new_one(view):
    start = curation.decided_in(view)
    old = view.categories(start)
    merged = view.categories(curation.merge(view, [1, 4, 5]))
    for again, wanted in ((curation.undo, old), (curation.redo, merged), (curation.undo, old)):
        decided = again(view)
        fresh = open_run_view(open_workspace(view.workspace.root), view.run)
        for found in (view.categories(decided), fresh.categories(curation.decided_in(fresh))):
            assert np.array_equal(found.rank, wanted.rank) and np.array_equal(found.distance, wanted.distance)


def test_a_merge_is_read_back_without_the_embedding(view):
    before = view.categories(curation.merge(view, [0, 3]))
    (view.workspace.artifact(view.run, "clustering").folder / "embedding.npy").unlink()
    again = open_run_view(open_workspace(view.workspace.root), view.run)
    assert np.array_equal(again.categories(curation.decided_in(again)).rank, before.rank)


def test_the_centre_is_of_what_is_in_the_category_when_it_is_merged(view):
    first = [ids_of(view, np.flatnonzero(view.cluster == k)) for k in range(3)]
    moved_in, erased, rejected = first[2][0], first[0][0], first[1][0]
    curation.move(view, [moved_in], 0)
    curation.erase(view, [erased])
    curation.move(view, [rejected], None)
    decided = curation.merge(view, [0, 1])
    inside = [*first[0], *first[1]]
    counted = [p for p in (*inside, moved_in) if p not in (erased, rejected)]
    wanted = distances(view, inside, counted)
    found, own = view.categories(decided), view.row_of[moved_in]
    assert found.distance[own] == view.distance[own]
    ranked = ids_of(view, found.rows[0])
    assert ranked[0] == moved_in and ranked[1:] == in_order({p: wanted[p] for p in counted if p != moved_in})
    back = view.categories(curation.accept(view, [erased, rejected]))
    for p in (erased, rejected):
        row = view.row_of[p]
        assert back.id_of[row] == 0 and abs(back.distance[row] - wanted[p]) < 1e-6


def test_a_merge_with_a_part_of_a_split_has_one_centre_too(view):
    curation.split(view, curation.propose_split(view, 0, 2))
    decided = curation.merge(view, [6, 1])
    found = view.categories(decided)
    inside = ids_of(view, np.flatnonzero(found.id_of == 1))
    assert ids_of(view, found.rows[found.ids.index(1)]) == in_order(distances(view, inside))


@pytest.mark.parametrize("by", ["silhouette", "agreement"])
def test_what_was_measured_in_the_two_old_clusters_does_not_rank_the_whole(view, by):
    decided = replace(curation.merge(view, [1, 4]), filter_by=by)
    found = view.categories(decided)
    assert found.by_distance.tolist() == [k == 1 for k in found.ids]
    inside = ids_of(view, np.flatnonzero(found.id_of == 1))
    assert ids_of(view, found.rows[1]) == in_order(distances(view, inside))


def test_distances_are_kept_to_the_last_bit():
    tiny = np.float32([3e-9, 1.2345678e-7, 0.1, 1 / 3, 1.9999999])
    assert np.array_equal(np.float32([exact(d) for d in tiny]), tiny)
    assert len(packed([["a#0", exact(d)] for d in tiny])) < 200


def test_pseudo_masks_are_of_the_new_core(view):
    workspace, run = view.workspace, view.run
    decided = curation.merge(view, [1, 4])
    dataset = open_dataset(run.config.dataset, workspace.drawings)
    context = StageContext(workspace, dataset, run.config, "cpu", lambda _: None)
    made = {kind: workspace.artifact(run, kind) for kind in ("images", "proposals", "clustering")}
    masks = pseudo_masks(context, made, decided)
    files = dict(zip(*(c.to_pylist() for c in masks.table(["image_id", "file"]).columns), strict=True))
    inside = ids_of(view, np.flatnonzero(np.isin(view.cluster, [1, 4])))
    order = in_order(distances(view, inside))
    core = set(order[: -(-(100 - 30) * (len(order) - 1) // 100)])
    shown = set()
    for p in inside:  # one proposal an image here
        image = p.split("#")[0]
        if image in files:
            shown |= {p} if (from_png((masks.folder / files[image]).read_bytes()) == 2).any() else set()
    assert shown == core

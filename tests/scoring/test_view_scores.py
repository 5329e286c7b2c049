import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.clustering.filtering import kept
from comus_core.config import FilterBy, Matching
from comus_core.curation.filter_draft import apply, changes, same_filter, with_by, with_percent
from comus_core.curation.filter_explanation import explain_filter
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import ORDERS, ordered, summaries
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.round_scores import frozen_matching, matching_of, score_clusters, score_round
from comus_core.scoring.score_tables import class_rows, match_rows
from comus_core.workspace.decisions import Decisions
from tests.builders import draw_folder, write_vectors
from tests.scoring.pixel_oracle import expected, painted


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A run whose five clusters mix three classes: (workspace, run, view)."""
    folder = draw_folder(tmp_path_factory.mktemp("mixed") / "shapes", count=48, seed=3)
    vectors = write_vectors(folder, folder.parent / "vectors.npz", noise=4.0)
    config = make_config(
        dataset=str(folder),
        saliency={"detector": f"masks:{folder / 'masks'}"},
        features={"encoder": f"file:{vectors}"},
        clustering={"neighbours": 8, "clusters": 5},
        filter_percent=30,
    )
    workspace = open_workspace(tmp_path_factory.mktemp("workspace"))
    run = discover(config, workspace)
    return workspace, run, open_run_view(workspace, run)


DRAFTS = [
    Decisions(),
    Decisions(filter_percent=40),
    Decisions(filter_percent=100, cluster_percent={1: 0.0, 3: 55.0}),
    Decisions(filter_percent=40, filter_by="silhouette"),
    Decisions(filter_percent=70, filter_by="density", cluster_percent={2: 10.0}),
    Decisions(filter_percent=25, filter_by="agreement"),
]


@pytest.mark.parametrize("draft", DRAFTS)
def test_a_view_keeps_what_the_filter_keeps(mixed, draft):
    _, _, view = mixed
    by = view.distance if draft.filter_by == "distance" else view.alternatives[draft.filter_by]
    expected = kept(view.cluster, by, view.proposals.proposal_id, draft.percent_of(range(view.clusters)))
    assert np.array_equal(view.kept(draft), expected)


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("filtered", [False, True])
def test_scores_are_those_of_painting_every_image_and_trying_every_matching(mixed, draft, filtered):
    view = mixed[2]
    pairs = painted(view, draft, filtered=filtered)
    for mode in get_args(Matching):
        miou, per_class = expected(pairs, view.clusters + 1, len(view.classes), mode)
        scored = score_clusters(view, draft, mode, filtered=filtered)
        assert scored.score.miou == pytest.approx(miou, abs=1e-12)
        assert list(scored.score.per_class) == list(view.classes)
        if mode not in ("hungarian", "counts"):  # several one-to-one matchings may reach the same total
            assert list(scored.score.per_class.values()) == pytest.approx(per_class, abs=1e-12)
        total = scored.rows.contingency
        assert {(r, k): int(n) for (r, k), n in np.ndenumerate(total) if n} == dict(pairs)
    assert scored.coverage == (view.kept(draft).sum() / len(view) if filtered else 1)


def test_a_stored_run_is_scored_as_its_view(mixed):
    workspace, run, view = mixed
    decided = workspace.decisions_of(run)
    for filtered, name in ((False, "evaluation"), (True, "evaluation_filtered")):
        own = score_round(workspace, RunRound(run, 0), filtered=filtered)
        assert own.score == score_clusters(view, decided, filtered=filtered).score
        assert (own.score.miou, own.score.per_class) == (run.result[name]["miou"], run.result[name]["per_class"])
    assert run.result["evaluation_filtered"]["coverage"] == view.coverage(decided) == own.coverage


@pytest.mark.parametrize("by", get_args(FilterBy))
def test_the_curve_passes_through_the_scores_at_each_percentage(mixed, by):
    _, _, view = mixed
    for point in curve_of(view, Decisions(filter_by=by), "majority")[::13]:
        draft = Decisions(filter_percent=point.percent, filter_by=by)
        assert point.miou == pytest.approx(score_clusters(view, draft, "majority", filtered=True).score.miou, abs=1e-12)
        assert (point.kept, point.coverage) == (view.kept(draft).sum(), view.coverage(draft))


def test_a_frozen_matching_is_used_as_it_is(mixed):
    workspace, run, view = mixed
    frozen = frozen_matching(workspace, run.id, view.clusters, view.classes)
    scored = score_clusters(view, Decisions(filter_percent=90), frozen, filtered=True)
    assert scored.matched is frozen
    points = curve_of(view, Decisions(), frozen)
    assert points[90].miou == scored.score.miou
    with pytest.raises(SettingsError, match="it has 5 clusters, but 4 are to be matched"):
        frozen_matching(workspace, run.id, 4, view.classes)
    with pytest.raises(SettingsError, match="other classes"):
        frozen_matching(workspace, run.id, 5, view.classes[::-1])


def test_a_matching_is_what_is_wanted_else_what_the_settings_say(mixed):
    workspace, run, view = mixed
    classes = view.classes
    assert matching_of(workspace, run, 5, classes) == run.config.matching == "auto"
    assert matching_of(workspace, run, 5, classes, "majority") == "majority"
    frozen = replace(run, config=replace(run.config, matching_from=run.id, matching="hungarian"))
    known = score_round(workspace, RunRound(run, 0)).matched.class_of.tolist()
    assert matching_of(workspace, frozen, 5, classes).class_of.tolist() == known
    assert matching_of(workspace, frozen, 5, classes, "majority") == "majority"
    assert matching_of(workspace, run, 5, classes, "majority", run.id).class_of.tolist() == known


def test_a_run_without_ground_truth_has_no_score(mixed):
    workspace, run, _ = mixed
    others = {kind: fingerprint for kind, fingerprint in run.artifacts.items() if kind != "counts"}
    view = open_run_view(workspace, replace(run, artifacts=others))
    assert not view.has_truth and view.counts is None
    with pytest.raises(WorkspaceError, match="no ground truth"):
        score_clusters(view, Decisions())


def test_counts_are_read_when_they_are_asked_for_and_not_before(mixed):
    workspace, run, _ = mixed
    view = open_run_view(workspace, replace(run, artifacts=run.artifacts | {"counts": "0" * 16}))
    assert view.has_truth and len(view.points("tsne")) == len(view)
    with pytest.raises(WorkspaceError, match="no finished counts artifact"):
        _ = view.counts


def test_class_rows_hold_iou_recall_and_precision_counted_pixel_by_pixel(mixed):
    _, _, view = mixed
    decided = Decisions(filter_percent=35)
    scored = score_clusters(view, decided, "majority", filtered=True)
    predicted, true = _pixels(view, decided, scored.matched.class_of)
    for k, row in enumerate(class_rows(scored)):
        both = int(((predicted == k) & (true == k)).sum())
        assert row.pixels == (true == k).sum()
        assert row.recall == 100 * both / max((true == k).sum(), 1)
        assert row.precision == 100 * both / max((predicted == k).sum(), 1)
        assert row.iou == pytest.approx(100 * both / max(((predicted == k) | (true == k)).sum(), 1), abs=1e-12)


def test_match_rows_name_the_class_of_every_cluster_and_what_it_is_mixed_with(mixed):
    _, _, view = mixed
    scored = score_clusters(view, Decisions(names={2: "round things"}), "majority", filtered=False)
    rows = match_rows(scored)
    assert [r.category for r in rows] == list(range(-1, view.clusters))
    assert rows[3].name == "round things"
    for row, pixels, k in zip(rows, scored.rows.contingency, scored.matched.class_of, strict=True):
        assert row.class_name == view.classes[k] and row.pixels == pixels.sum()
        assert row.purity == 100 * pixels[k] / pixels.sum()
        others = {name: count for j, (name, count) in enumerate(zip(view.classes, pixels, strict=True)) if j != k}
        assert row.runner_up == (max(others, key=others.get) if max(others.values()) else None)


def test_a_cluster_left_over_by_the_matching_stands_for_no_class(mixed):
    _, _, view = mixed
    scored = score_clusters(view, Decisions(), "hungarian", filtered=False)
    rows = match_rows(scored)
    left_over = [row for row in rows if row.class_name is None]
    assert len(left_over) == view.clusters + 1 - len(view.classes)
    assert all(row.iou == row.purity == 0 for row in left_over)


def test_every_proposal_is_dropped_exactly_from_the_percentage_its_standing_names(mixed):
    _, _, view = mixed
    for row in range(len(view)):
        limit = explain_filter(view, row, Decisions()).dropped_from
        tried = {0.0, 7.0, 50.0, 100.0} | ({limit, np.nextafter(limit, 0)} if 0 < limit < 100 else set())
        for percent in tried:
            standing = explain_filter(view, row, Decisions(filter_percent=percent))
            assert standing.kept == view.kept(Decisions(filter_percent=percent))[row]
            if limit > 0:
                assert standing.kept == (percent < limit)


def test_standings_count_a_cluster_through_from_its_nearest(mixed):
    _, _, view = mixed
    for cluster, rows in enumerate(view.categories(Decisions()).rows):
        standings = [explain_filter(view, int(row), Decisions()) for row in rows]
        assert [s.place for s in standings] == list(range(1, len(rows) + 1))
        assert all(s.size == len(rows) and s.cluster == cluster for s in standings)
        assert [s.distance for s in standings] == sorted(s.distance for s in standings)
        assert math.isinf(standings[0].dropped_from) and "nearest" in standings[0].reason


def test_a_standing_counts_by_what_the_filter_ranks_by_and_says_so(mixed):
    _, _, view = mixed
    decided = Decisions(filter_percent=30, filter_by="agreement")
    for rows in view.categories(decided).rows:
        standings = {int(row): explain_filter(view, int(row), decided) for row in rows}
        keys = {row: (view.alternatives["agreement"][row], view.proposals.proposal_id[row]) for row in standings}
        assert sorted(standings, key=lambda row: standings[row].place) == sorted(standings, key=keys.__getitem__)
        assert all("share of neighbours in other clusters" in s.reason for s in standings.values())
        assert [s.kept for s in standings.values()] == view.kept(decided)[list(standings)].tolist()


def test_a_clustering_without_the_other_rankings_says_what_to_do(mixed):
    with pytest.raises(WorkspaceError, match="`comus run` it again"):
        replace(mixed[2], alternatives={}).kept(Decisions(filter_by="density"))


def test_a_reason_says_the_percentage_and_the_verdict(mixed):
    _, _, view = mixed
    first = view.categories(Decisions()).rows[0]
    row = int(first[len(first) // 2])
    limit = explain_filter(view, row, Decisions()).dropped_from
    assert "so it is kept" in explain_filter(view, row, Decisions(filter_percent=limit - 1)).reason
    assert "so it is dropped" in explain_filter(view, row, Decisions(filter_percent=limit)).reason
    farthest = int(first[-1])
    assert "kept only at 0 %" in explain_filter(view, farthest, Decisions()).reason
    assert "dropped above 0 %" in explain_filter(view, farthest, Decisions(filter_percent=1)).reason


def test_summaries_hold_every_proposal_once_core_before_filtered(mixed):
    _, _, view = mixed
    decided = Decisions(filter_percent=40, names={1: "Bars"})
    found = summaries(view, decided)
    rows = np.concatenate([np.r_[s.core, s.filtered] for s in found])
    assert sorted(rows) == list(range(len(view)))
    assert found[1].name == "Bars" and found[0].name == "cluster 0"
    for summary in found:
        assert view.kept(decided)[summary.core].all() and not view.kept(decided)[summary.filtered].any()
        assert np.array_equal(np.r_[summary.core, summary.filtered], view.categories(decided).rows[summary.cluster])


def test_summaries_come_in_the_order_asked_for_and_are_found_by_name(mixed):
    _, _, view = mixed
    decided = Decisions(names={0: "cluster 10", 3: "Wheels"})
    found = summaries(view, decided)
    sizes = [s.size for s in ordered(found, "size")]
    assert sizes == sorted(sizes, reverse=True)
    assert [s.cluster for s in ordered(found, "number")] == [0, 1, 2, 3, 4]
    names = [s.name for s in ordered(found, "name")]
    assert names == ["cluster 1", "cluster 2", "cluster 4", "cluster 10", "Wheels"]
    assert [s.cluster for s in ordered(found, "size", " wheel ")] == [3]
    spreads = [s.spread for s in ordered(found, "tightness")]
    assert spreads == sorted(spreads) and len(ORDERS) == 7
    with pytest.raises(SettingsError, match="choose one of size"):
        ordered(found, "colour")


def test_changing_all_forgets_what_clusters_had_of_their_own():
    draft = with_percent(with_percent(Decisions(filter_percent=20), 60, cluster=2), 35)
    assert draft.percent_of(range(4)) == {c: 35.0 for c in range(4)}
    assert same_filter(with_percent(draft, 35, cluster=1), draft, range(4))
    with pytest.raises(SettingsError, match="0 to 100"):
        with_percent(draft, 101)


def test_the_events_of_a_draft_lead_from_what_is_decided_to_it(mixed, tmp_path):
    _, run, view = mixed
    workspace = open_workspace(tmp_path)
    workspace.runs.save(run)
    start = Decisions()
    for draft in [
        with_percent(start, 20),
        with_percent(with_percent(start, 20), 50, cluster=1),
        with_percent(with_percent(with_percent(start, 20), 50, cluster=1), 70, cluster=4),
        with_percent(with_percent(start, 20), 70, cluster=4),
        with_percent(start, 0),
        with_by(start, "silhouette"),
        with_percent(with_by(start, "silhouette"), 50, cluster=1),
        with_by(start, "density"),
    ]:
        decided = apply(workspace, run, workspace.decisions_of(run), draft)
        assert same_filter(decided, draft, range(view.clusters))
        assert changes(decided, draft) == []
    # one event where the percentage of all or the ranking changes, else one a cluster that is different
    assert len(workspace.decisions.events(run.id, run.artifacts["clustering"])) == 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1


def _pixels(view, decided, class_of):
    """Predicted and true class of every pixel of all images, painted one image after another."""
    truth, core = open_dataset(view.run.config.dataset, Path()).truth, view.kept(decided)
    predicted, true = [], []
    for image_id, size in zip(view.image_ids, view.image_sizes, strict=True):
        canvas = np.full(size, class_of[0])
        for row in view.rows_of_image.get(image_id, []):
            if core[row]:
                canvas[view.proposals.mask(row)] = class_of[view.cluster[row] + 1]
        mask = truth.mask(image_id)
        predicted.append(canvas[mask != truth.ignore].ravel())
        true.append(mask[mask != truth.ignore].ravel())
    return np.concatenate(predicted), np.concatenate(true)

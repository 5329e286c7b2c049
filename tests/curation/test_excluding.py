"""Excluded images and new categories on a real run, against a recomputation from the counts and masks alone."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from comus_core import curation
from comus_core.cli.main import cli
from comus_core.clustering.filtering import kept
from comus_core.curation.decision_words import step_words
from comus_core.curation.filter_explanation import explain_filter
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.errors import ConflictError, SettingsError
from comus_core.evaluation.report import score
from comus_core.runs.proposal_table import proposal_table
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.round_scores import on_same_images, score_clusters
from comus_core.workspace import layout
from tests.curation.test_judging import labels_of


@pytest.fixture
def view(curated_view):
    return curated_view


def images_of(view, count=3) -> list[str]:
    """Images with proposals, of different clusters."""
    return [str(view.proposals.image_id[np.flatnonzero(view.cluster == k)[0]]) for k in range(count)]


def contingency_by_hand(view, gone) -> np.ndarray:
    """(C + 1, n): every row of counts of every image that stays, one by one."""
    table = np.zeros((view.clusters + 1, len(view.classes)), np.int64)
    cluster = dict(zip(view.proposals.proposal_id, view.cluster, strict=True))
    values = view.counts.values.toarray()
    for image_id, proposal_id, pixels in zip(view.counts.image_id, view.counts.proposal_id, values, strict=True):
        if image_id not in gone:
            table[cluster.get(proposal_id, -1) + 1] += pixels
    return table


def test_the_proposals_of_an_excluded_image_are_in_no_category_and_the_others_are_ranked_without_them(view):
    gone = images_of(view)
    decided = curation.exclude(view, gone)
    found, inside = view.categories(decided), ~np.isin(view.proposals.image_id.astype(str), gone)
    assert np.array_equal(found.excluded, ~inside)
    assert np.array_equal(found.id_of, np.where(inside, view.cluster, -1))
    rows = np.flatnonzero(inside)
    oracle = kept(view.cluster[rows], view.distance[rows], view.proposals.proposal_id[rows], decided.filter_percent)
    assert np.array_equal(view.kept(decided)[rows], oracle) and not view.kept(decided)[~inside].any()
    assert view.coverage(decided) == oracle.sum() / (view.cluster[rows] >= 0).sum()
    assert np.array_equal(view.image_ids[view.is_excluded(decided)].astype(str), sorted(gone))


def test_a_score_is_the_sum_over_the_images_that_are_not_excluded(view):
    gone = images_of(view)
    every = score_clusters(view, curation.decided_in(view))
    decided = curation.exclude(view, gone)
    scored, table = score_clusters(view, decided), contingency_by_hand(view, set(gone))
    assert np.array_equal(scored.rows.contingency, table)
    assert scored.score.miou == score(table, scored.matched, view.classes).miou
    assert sorted([*scored.rows.image_ids, *gone]) == sorted(every.rows.image_ids)
    assert curve_of(view, decided)[0].miou == pytest.approx(scored.score.miou)
    point = curve_of(view, decided)[int(decided.filter_percent)]
    assert point.miou == pytest.approx(score_clusters(view, decided, filtered=True).score.miou)
    assert np.array_equal(
        score_clusters(view, curation.include(view, gone)).rows.contingency, contingency_by_hand(view, set())
    )


def test_two_scores_are_held_against_each_other_on_the_images_that_neither_excludes(view):
    before, gone = score_clusters(view, curation.decided_in(view)), images_of(view)
    after = score_clusters(view, curation.exclude(view, gone))
    one, other = on_same_images(view.workspace, before, after)
    assert other is after and set(one.rows.image_ids) == set(before.rows.image_ids) - set(gone)
    assert np.array_equal(one.rows.contingency, contingency_by_hand(view, set(gone)))
    assert one.rows.paired(other.rows).tolist() == list(range(len(one.rows.image_ids)))


def test_excluded_images_have_no_training_label_and_the_labels_of_the_others_stay(view):
    opened = replace(curation.decided_in(view), filter_percent=0.0)
    before, gone = labels_of(view, opened), images_of(view)
    after = labels_of(view, replace(curation.exclude(view, gone), filter_percent=0.0))
    assert sorted(after) == sorted(set(before) - set(gone))
    assert all(np.array_equal(after[i], before[i]) for i in after)
    masks = view.workspace.artifact(view.run, "pseudo_masks")
    assert not follows_decisions(view.workspace, view.run, masks)
    curation.undo(view)
    assert follows_decisions(view.workspace, view.run, masks)


def test_excluding_an_image_without_proposals_is_another_state_of_the_masks_too(view):
    masks, empty = (
        view.workspace.artifact(view.run, "pseudo_masks"),
        sorted(set(view.image_ids) - set(view.rows_of_image)),
    )
    assert empty, "the drawn images have one without proposals"
    curation.exclude(view, empty[:1])
    assert not follows_decisions(view.workspace, view.run, masks)


def test_what_was_decided_on_an_excluded_image_is_there_again_when_it_is_included(view):
    gone = images_of(view, 1)
    moved = str(view.proposals.proposal_id[view.rows_of_image[gone[0]][0]])
    target = 3
    curation.exclude(view, gone)
    hidden = curation.move(view, [moved], target)
    assert view.categories(hidden).id_of[view.row_of[moved]] == -1
    shown = curation.include(view, gone)
    assert view.categories(shown).id_of[view.row_of[moved]] == target


def test_a_merge_measures_the_proposals_of_excluded_images_too_so_that_they_can_come_back(view):
    gone = images_of(view, 1)
    curation.exclude(view, gone)
    curation.merge(view, [0, 1])
    decided = curation.include(view, gone)
    rows = view.rows_of_image[gone[0]]
    back = [row for row in rows if view.cluster[row] in (0, 1)]
    assert back and all(str(view.proposals.proposal_id[row]) in decided.layout.distance for row in back)


def test_a_new_category_is_of_exactly_these_proposals_with_an_id_never_given(view):
    chosen = [str(view.proposals.proposal_id[np.flatnonzero(view.cluster == k)[-1]]) for k in (0, 1, 2)]
    decided = curation.create(view, "vehicles", chosen)
    found, rows = view.categories(decided), np.array([view.row_of[p] for p in chosen])
    expected = view.cluster.copy()
    expected[rows] = 6
    assert found.ids == (0, 1, 2, 3, 4, 5, 6) and np.array_equal(found.id_of, expected)
    assert found.by_hand[rows].all() and found.by_hand.sum() == len(rows)
    assert view.kept(replace(decided, filter_percent=100.0))[rows].all()
    assert (decided.name_of(6), decided.own_name_of(6)) == ("vehicles", "cluster 6")
    curation.undo(view)
    assert 6 not in curation.decided_in(view).layout.made
    assert 7 in curation.create(view, "cars", chosen[:1]).layout.made
    assert curation.decided_in(view).name_of(7) == "cars"


def test_a_mask_of_a_new_category_is_drawn_with_its_number(view):
    rows = np.flatnonzero(view.cluster == 4)[:2]
    decided = curation.create(view, "pair", [str(p) for p in view.proposals.proposal_id[rows]])
    masks = labels_of(view, decided)
    for row in rows:
        mask = masks[str(view.proposals.image_id[row])]
        assert (mask[view.proposals.mask(row)] == 7).all()


def test_what_was_rejected_or_erased_is_put_back_without_being_accepted(view):
    ids = [str(p) for p in view.proposals.proposal_id[:4]]
    start = view.categories(curation.decided_in(view))
    curation.move(view, ids[:1], None)
    curation.erase(view, ids[1:2])
    curation.move(view, ids[2:3], 3)
    decided = curation.put_back(view, ids)
    found = view.categories(decided)
    expected = start.id_of.copy()
    expected[2] = 3  # in a category: it stays as it is
    assert np.array_equal(found.id_of, expected) and not decided.layout.accepted and not found.erased.any()
    with pytest.raises(SettingsError, match="none of these proposals is rejected or erased"):
        curation.put_back(view, ids)


@pytest.mark.parametrize(
    ("decide", "message"),
    [
        (lambda view: curation.create(view, " ", [str(view.proposals.proposal_id[0])]), "must not be empty"),
        (lambda view: curation.create(view, "a", []), "choose a proposal"),
        (lambda view: curation.create(view, "a", ["nowhere#0"]), "no proposal nowhere#0"),
        (lambda view: curation.exclude(view, []), "choose an image"),
        (lambda view: curation.exclude(view, ["nowhere"]), "no image nowhere"),
        (lambda view: curation.include(view, images_of(view, 1)), "not excluded"),
    ],
)
def test_what_is_not_possible_is_refused_and_nothing_is_written(view, decide, message):
    before = curation.decided_in(view)
    with pytest.raises(SettingsError, match=message):
        decide(view)
    assert curation.decided_in(view) == before


def test_an_image_that_is_excluded_already_is_refused_alone_and_stays_among_others(view):
    first, second = images_of(view, 2)
    curation.exclude(view, [first])
    with pytest.raises(SettingsError, match=f"image {first} is already excluded"):
        curation.exclude(view, [first])
    assert set(curation.exclude(view, [first, second]).layout.excluded) == {first, second}
    assert set(curation.undo(view).layout.excluded) == {first}


def test_two_people_conflict_on_the_same_image_or_proposal_only(view):
    seen, (first, second) = curation.decided_in(view).version, images_of(view, 2)
    curation.exclude(view, [first], based_on=seen)
    curation.exclude(view, [second], based_on=seen)
    with pytest.raises(ConflictError, match="exclude"):
        curation.exclude(view, [first], based_on=seen)
    one, other = (str(view.proposals.proposal_id[row]) for row in (5, 6))
    curation.create(view, "a", [one], based_on=seen)
    curation.create(view, "b", [other], based_on=seen)
    with pytest.raises(ConflictError, match="create"):
        curation.move(view, [one], 1, based_on=seen)


def test_the_log_says_what_was_done(view):
    first, second = images_of(view, 2)
    ids = [str(p) for p in view.proposals.proposal_id[:2]]
    curation.create(view, "vehicles", ids)
    curation.exclude(view, [first])
    curation.include(view, [first])
    curation.exclude(view, [first, second])
    listed = [entry.decision for entry in curation.listed_decisions(view)][-4:]
    assert listed == [
        "new category vehicles of 2 proposals",
        f"exclusion of image {first}",
        f"inclusion of image {first}",
        "exclusion of 2 images",
    ]


def test_the_table_and_the_image_page_say_that_an_image_is_excluded(view):
    gone = images_of(view, 1)
    decided, row = curation.exclude(view, gone), view.rows_of_image[gone[0]][0]
    table = proposal_table(view, np.arange(len(view)), decided).to_pylist()
    assert {r["image_id"] for r in table if r["excluded"]} == set(gone)
    assert all(r["cluster"] == -1 and not r["kept"] for r in table if r["excluded"])
    assert "You excluded its image" in explain_filter(view, row, decided).reason


def test_many_ids_are_stored_packed_and_read_back(view, monkeypatch):
    monkeypatch.setattr(layout, "MANY", 50)
    ids = [str(p) for p in view.proposals.proposal_id]
    decided = curation.move(view, ids, 2)
    clustering = view.run.artifacts["clustering"]
    event = view.workspace.decisions.events(view.run.id, clustering)[-1]
    assert isinstance(event.payload["proposals"], str)
    assert (view.categories(decided).id_of == 2).all()
    step = curation.history(view).undoable
    assert step_words(step.before, step.event) == f"move of {len(ids)} proposals to cluster 2"
    assert np.array_equal(view.categories(curation.undo(view)).id_of, view.cluster)


def test_the_commands_create_exclude_and_include(view):
    proposal, image = str(view.proposals.proposal_id[0]), str(view.image_ids[0])
    place = ["--workspace", str(view.workspace.root)]
    for words in (["new", view.run.id, "vehicles", proposal], ["exclude", view.run.id, image]):
        result = CliRunner().invoke(cli, ["clusters", *words, *place])
        assert result.exit_code == 0, result.output
    assert "decided: exclusion of image" in result.output
    decided = curation.decided_in(view)
    assert decided.name_of(6) == "vehicles" and set(decided.layout.excluded) == {image}
    result = CliRunner().invoke(cli, ["clusters", "include", view.run.id, image, *place])
    assert result.exit_code == 0 and not curation.decided_in(view).layout.excluded

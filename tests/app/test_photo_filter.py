"""Which images the grid shows: each condition against a plain loop, the address, and 100,000 images."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.data import photo_filter
from app.data.photo_filter import (
    filtered,
    from_ranges,
    from_text,
    look_of,
    offered,
    page_json,
    span_of,
    span_text,
    to_ranges,
    to_text,
)
from comus_core import curation
from comus_core.runs.proposal_predictions import predicted_of
from comus_core.runs.round_masks import categories_of_rounds
from comus_core.runs.run_view import open_run_view


@pytest.fixture(scope="module")
def view(shown):
    return open_run_view(*shown)


@pytest.fixture
def decided(view):
    return view.workspace.decisions_of(view.run)


def images_with(view, rows) -> list[int]:
    return sorted({int(view.image_row[row]) for row in rows})


def test_without_a_condition_every_image_is_shown_and_every_proposal_meant(view, decided):
    found = filtered(view, decided, {})
    assert found.images.tolist() == list(range(90)) and found.proposals.all()


def test_an_image_is_shown_if_one_proposal_meets_all_conditions_of_proposals(view, decided):
    kept, score = view.kept(decided), view.proposals.score
    for side, wanted in (("core", True), ("filtered", False)):
        rows = [r for r in range(len(view)) if view.cluster[r] == 2 and kept[r] == wanted and score[r] >= 0.5]
        found = filtered(view, decided, {"category": "2", "side": side, "confidence": "50-100"})
        assert found.images.tolist() == images_with(view, rows) and rows
        assert np.flatnonzero(found.proposals).tolist() == rows
        assert found.proposals_in(view, found.images[:2]).tolist() == [
            r for r in rows if view.image_row[r] in found.images[:2]
        ]
    assert not len(filtered(view, decided, {"category": "99"}).images)
    assert not len(filtered(view, decided, {"confidence": "0-1"}).images)


def test_images_without_a_proposal_also_after_one_is_erased(changeable):
    view = open_run_view(*changeable)
    empty = [r for r, i in enumerate(view.image_ids) if i not in view.rows_of_image]
    before = view.workspace.decisions_of(view.run)
    assert len(empty) == 4 and filtered(view, before, {"proposals": "none"}).images.tolist() == empty
    erased = curation.erase(view, [str(view.proposals.proposal_id[0])])
    assert filtered(view, erased, {"proposals": "none"}).images.tolist() == sorted([*empty, int(view.image_row[0])])


def test_excluded_images_are_found_and_their_proposals_are_in_no_category(changeable):
    view = open_run_view(*changeable)
    gone = [str(view.image_ids[row]) for row in (4, 7)]
    after = curation.exclude(view, gone)
    assert filtered(view, after, {"excluded": "yes"}).images.tolist() == [4, 7]
    assert not {4, 7} & set(filtered(view, after, {"side": "core"}).images.tolist())


def test_a_merged_category_is_found_under_either_id_and_a_rejected_one_in_none(changeable):
    view = open_run_view(*changeable)
    merged = curation.merge(view, [1, 3])
    rows = images_with(view, np.flatnonzero(np.isin(view.cluster, [1, 3])))
    assert [filtered(view, merged, {"category": c}).images.tolist() for c in ("1", "3")] == [rows, rows]
    rejected = curation.reject(view, [2])
    own = images_with(view, np.flatnonzero(view.cluster == 2))
    assert not len(filtered(view, rejected, {"category": "2"}).images)
    assert filtered(view, rejected, {"category": "none"}).images.tolist() == own


def test_the_student_is_offered_only_after_a_training_and_disagrees_where_its_masks_do(pair, view, decided):
    assert "student" not in offered(view)
    assert filtered(view, decided, {"student": "disagrees"}).images.tolist() == list(range(90))
    trained = open_run_view(pair.workspace, pair.run)
    now = pair.workspace.decisions_of(pair.run)
    assert "student" in offered(trained) and photo_filter.last_round(trained) == 1
    ids, predicted, kept = [*categories_of_rounds(trained), -1], predicted_of(trained, 1, now), trained.kept(now)
    rows = [
        r
        for r in range(len(trained))
        if kept[r] and predicted[r] != -2 and ids[predicted[r]] != trained.categories(now).id_of[r]
    ]
    assert filtered(trained, now, {"student": "disagrees"}).images.tolist() == images_with(trained, rows)


def test_the_conditions_survive_the_address_and_nonsense_is_ignored():
    values = {"side": "core", "category": "12", "confidence": "25-90", "proposals": "none"}
    assert to_text(values) == "category_12~confidence_25-90~side_core~proposals_none"
    assert from_text(to_text(values)) == values and (to_text({}), from_text("")) == ("", {})
    assert from_text("category_x~side_all~unknown_1~confidence_3~~_~category_-1") == {}
    assert (span_of("90-25"), span_of(""), span_of("5-999")) == ((25, 90), (0, 100), (5, 100))
    assert (span_text(0, 100), span_text(3, 100)) == ("", "3-100")


def test_a_selection_survives_the_address():
    assert to_ranges([7, 3, 4, 5, 12, 13]) == "3-5.7.12-13" and to_ranges([]) == ""
    assert from_ranges("3-5.7.12-13", 13).tolist() == [3, 4, 5, 7, 12]
    assert from_ranges("junk.-2.4-x..6", 10).tolist() == [6] and from_ranges("0-999999999", 3).tolist() == [0, 1, 2]
    rng = np.random.default_rng(0)
    for share in (0.05, 0.5, 0.95):
        rows = np.flatnonzero(rng.random(300) < share)
        assert from_ranges(to_ranges(rows), 300).tolist() == rows.tolist()


def test_a_decision_changes_the_look_of_the_images_it_is_about_alone(changeable):
    view = open_run_view(*changeable)
    before = view.workspace.decisions_of(view.run)
    row = int(np.flatnonzero(view.cluster == 1)[0])
    after = curation.move(view, [str(view.proposals.proposal_id[row])], 3)
    changed = [r for r in range(90) if look_of(view, before, r) != look_of(view, after, r)]
    kept = view.kept(before) != view.kept(after)
    assert set(changed) == {int(view.image_row[row]), *images_with(view, np.flatnonzero(kept))}


def test_of_100_000_images_the_first_part_is_small_and_comes_at_once(view, decided):
    copies, m, n = 1112, len(view.image_ids), len(view)
    names = np.array([f"images/{k:06d}.png" for k in range(copies * m)], object)
    rows = np.tile(np.arange(n), copies)
    image_row = np.concatenate([view.image_row + k * m for k in range(copies)])
    proposals = view.proposals[rows]
    many = replace(
        view,
        proposals=replace(
            proposals,
            image_id=names[image_row],
            proposal_id=np.array([f"{names[i]}#0" for i in image_row], object),
        ),
        cluster=view.cluster[rows],
        distance=view.distance[rows],
        image_row=image_row,
        image_ids=names,
        image_sizes=np.tile(view.image_sizes, (copies, 1)),
        alternatives={},
    )
    many.kept(decided), many.rows_of_image  # what a server holds
    found = filtered(many, decided, {"category": "1", "confidence": "20-100"})
    page = page_json(many, decided, found, len(found.images) - 100, 100)
    assert len(many.image_ids) > 100_000 and len(found.images) == copies * len(set(view.image_row[view.cluster == 1]))
    assert len(page) == 100 and len(json.dumps(page)) < 8_000

"""Redrawn masks: scores, pseudo-masks, crops, tables and the log go by them; the artifact stays as it was."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core import RedrawSettings, curation, redraw_mask
from comus_core.curation.decision_words import step_words
from comus_core.curation.filter_explanation import truth_shares
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import ConflictError, DatasetError, SettingsError
from comus_core.evaluation.counts import count_image
from comus_core.proposals.mask_edits import encoded, grown
from comus_core.proposals.table import tight_box
from comus_core.runs.opened_round import clusters_mask
from comus_core.runs.proposal_table import proposal_table
from comus_core.runs.run_view import open_run_view
from comus_core.saliency.thresholding import masks_from_soft_map
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace import open_workspace
from comus_core.workspace.decisions import Decisions
from tests.curation.halved import halved
from tests.curation.test_judging import labels_of
from tests.scoring.pixel_oracle import expected, painted

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(curated_view):
    """With two masks in each of the first three images."""
    return halved(curated_view)


def name_of(view, row) -> str:
    return str(view.proposals.proposal_id[row])


def ring(view, row) -> np.ndarray:
    """A mask that is like no other: what growing adds to a mask."""
    mask = view.proposals.mask(row)
    return grown(mask, 3) & ~grown(mask, -4)


def test_counts_and_scores_are_those_of_painted_images_and_undo_brings_the_old_ones_back(view):
    before = score_clusters(view, curation.decided_in(view)).score
    stored = view.counts
    curation.redraw(view, name_of(view, 0), ring(view, 0))
    curation.redraw(view, name_of(view, 9), grown(view.proposals.mask(9), -3))
    decided = curation.redraw(view, name_of(view, 40), grown(view.proposals.mask(40), 8))
    counts, truth = view.counts_of(decided), open_dataset(view.run.config.dataset, view.workspace.drawings).truth
    assert list(counts.proposal_id) == list(stored.proposal_id) and list(counts.image_id) == list(stored.image_id)
    changed = 0
    for image_id, rows in view.rows_of_image.items():
        masks = [view.masks(decided).mask(row) for row in rows]
        right = count_image(truth.mask(image_id), truth.ignore, masks, len(view.classes))
        assert np.array_equal(counts.pixels(view.count_rows[rows]), right[:-1])
        changed += not np.array_equal(stored.pixels(view.count_rows[rows]), right[:-1])
        rest = (counts.image_id == image_id) & (counts.proposal_id == "")
        assert np.array_equal(counts.pixels(rest), right[-1:])
    assert changed == 3
    rows = len(view.categories(decided).ids) + 1
    for filtered in (False, True):
        pairs = painted(view, decided, filtered=filtered)
        for mode in ("hungarian", "majority"):
            miou, _ = expected(pairs, rows, len(view.classes), mode)
            got = score_clusters(view, decided, mode, filtered=filtered).score.miou
            assert got == pytest.approx(miou, abs=1e-12)
    percent = int(decided.filter_percent)
    assert curve_of(view, decided, mode)[percent].miou == pytest.approx(got, abs=1e-12)
    for _ in range(3):
        last = curation.undo(view)
    assert last.layout.redrawn == {} and score_clusters(view, last).score == before
    assert view.counts_of(last) is stored


def test_what_was_counted_is_read_by_the_next_process_without_the_ground_truth(view):
    decided = curation.redraw(view, name_of(view, 5), ring(view, 5))
    score = score_clusters(view, decided).score
    gone = replace(view.run, config=replace(view.run.config, dataset=str(view.workspace.root / "nowhere")))
    fresh = open_run_view(open_workspace(view.workspace.root), gone)
    assert score_clusters(fresh, decided, view.run.config.matching).score == score
    other = Decisions(layout=decided.layout.redraw([(name_of(view, 6), encoded(ring(view, 6)))]))
    with pytest.raises(DatasetError, match="nowhere"):
        score_clusters(fresh, other)


def test_pseudo_masks_and_their_fingerprint_follow_and_come_back(view):
    masks = view.workspace.artifact(view.run, "pseudo_masks")
    whole = open_run_view(view.workspace, view.workspace.runs.get(view.run.id))
    row = int(np.flatnonzero(whole.kept(curation.decided_in(whole)))[4])
    image, first = str(whole.proposals.image_id[row]), labels_of(whole, curation.decided_in(whole))
    decided = curation.redraw(whole, name_of(whole, row), ring(whole, row))
    found, category = labels_of(whole, decided), whole.categories(decided).category[row]
    assert np.array_equal(found[image], np.where(ring(whole, row), category + 1, 0))
    assert [i for i in first if not np.array_equal(first[i], found[i])] == [image]
    assert not follows_decisions(whole.workspace, whole.run, masks)
    assert np.array_equal(clusters_mask(whole, decided, image) == category + 1, ring(whole, row))
    curation.undo(whole)
    assert follows_decisions(whole.workspace, whole.run, masks)
    assert encoded(whole.proposals.mask(row)) == whole.proposals.rle[row].decode()  # the artifact is as it was


def test_the_drawn_mask_takes_pixels_from_others_and_one_that_is_covered_is_erased(view):
    left, right = name_of(view, 0), name_of(view, 1)
    whole = view.proposals.mask(0) | view.proposals.mask(1)
    before = curation.decided_in(view)
    some = grown(view.proposals.mask(0), 4)
    decided = curation.redraw(view, left, some)
    masks = view.masks(decided)
    assert np.array_equal(masks.mask(0), some) and np.array_equal(masks.mask(1), view.proposals.mask(1) & ~some)
    decided = curation.redraw(view, left, whole)
    assert decided.layout.erased == {right} and view.masks(decided).area[1] == 0
    assert view.categories(decided).erased[1] and not view.masks(decided).mask(1).any()
    with pytest.raises(SettingsError, match="nothing is left of the mask"):
        curation.accept(view, [right])
    moved = curation.move(view, [right, name_of(view, 7)], 2)
    assert moved.layout.erased == {right}  # there is nothing to move
    back = curation.redraw(view, right, view.proposals.mask(1))
    assert back.layout.erased == frozenset() and right not in back.layout.redrawn
    assert np.array_equal(view.masks(back).mask(0), view.proposals.mask(0)) and left not in back.layout.redrawn
    for _ in range(4):
        undone = curation.undo(view)
    assert replace(undone, version=0) == replace(before, version=0)


def test_the_detectors_mask_comes_back_and_words_say_so(view):
    name = name_of(view, 8)
    curation.redraw(view, name, ring(view, 8))
    history = curation.history(view)
    assert step_words(history.state, history.undoable.event) == f"repair of mask {name}"
    assert curation.reset_mask(view, name).layout.redrawn == {}
    history = curation.history(view)
    assert step_words(history.state, history.undoable.event) == f"reset of mask {name}"


def test_box_area_and_class_of_the_table_are_those_of_the_drawn_mask(view):
    truth = open_dataset(view.run.config.dataset, view.workspace.drawings).truth
    row, mask = 12, np.zeros(tuple(view.proposals.size_hw[12]), bool)
    mask[2:9, 3:20] = True
    decided = curation.redraw(view, name_of(view, row), mask)
    (line,) = proposal_table(view, np.array([row]), decided).to_pylist()
    assert (line["x0"], line["y0"], line["x1"], line["y1"]) == tight_box(mask) == (3, 2, 20, 9)
    assert line["area"] == 7 * 17
    inside = truth.mask(view.proposals.image_id[row])[mask]
    assert not inside.any() and line["class"] == "background"
    assert truth_shares(view, row, decided) == [("background", 100.0)]
    assert view.proposals.area[row] != line["area"]


def test_another_threshold_is_that_of_the_stored_soft_map_without_other_masks(view, monkeypatch):
    decided, row = curation.decided_in(view), 20
    soft = np.zeros((40, 50), np.float32)
    soft[10:20, 10:30], soft[12:18, 12:24], soft[30:35, 40:45] = 0.4, 0.9, 0.9
    size = tuple(int(v) for v in view.proposals.size_hw[row])
    monkeypatch.setattr("comus_core.curation.mask_redraw.soft_map_of", lambda png: soft)
    name, settings = name_of(view, row), view.run.config.saliency
    (high,) = masks_from_soft_map((soft * 255).round().astype(np.uint8), size, replace(settings, threshold=0.3))
    view.masks(decided)
    mask = np.zeros(size, bool)
    mask[size[0] * 14 // 40, size[1] * 14 // 50] = True
    decided = curation.redraw(view, name, mask)
    found = curation.at_threshold(view, name, 0.3, decided)
    assert (
        np.array_equal(found, high & grown(found, 1))
        and found.sum() > curation.at_threshold(view, name, 0.8, decided).sum()
    )
    assert not found[size[0] * 32 // 40, size[1] * 42 // 50]
    with pytest.raises(SettingsError, match=r"threshold 0\.95: no pixel"):
        curation.at_threshold(view, name, 0.95, decided)


def test_a_threshold_leaves_the_pixels_of_other_masks(view):
    decided = curation.decided_in(view)
    found = curation.at_threshold(view, name_of(view, 0), 0.5, decided)
    assert np.array_equal(found, view.proposals.mask(0))  # the right half is in the soft map too


def test_what_is_no_mask_is_refused_and_nothing_is_written(view):
    name, size = name_of(view, 3), tuple(view.proposals.size_hw[3])
    version = curation.decided_in(view).version
    for mask, fault in [
        (np.zeros(size, bool), "it is empty"),
        (np.ones((3, 4), bool), "3 x 4 pixels"),
        (view.proposals.mask(3), "it is unchanged"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            curation.redraw(view, name, mask)
    with pytest.raises(SettingsError, match="no proposal gone#0"):
        curation.redraw(view, "gone#0", np.ones(size, bool))
    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    for masks, fault in [
        ([], "choose a proposal"),
        ([[name, "no run lengths!"]], "not a run-length code"),
        ([[name, ""]], "is empty"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            log.append(view.run.id, clustering, "redraw", masks=masks)
    assert curation.decided_in(view).version == version


def test_two_people_on_one_mask_conflict_and_on_a_neighbour_only_if_it_loses_pixels(view):
    left, right, version = name_of(view, 0), name_of(view, 1), curation.decided_in(view).version
    curation.redraw(view, left, grown(view.proposals.mask(0), -2), based_on=version)  # takes nothing
    curation.redraw(view, right, grown(view.proposals.mask(1), -2), based_on=version)
    version = curation.decided_in(view).version
    curation.redraw(view, left, grown(view.proposals.mask(0), 3), based_on=version)
    for refused in (
        lambda: curation.redraw(view, left, ring(view, 0), based_on=version),
        lambda: curation.redraw(view, right, ring(view, 1), based_on=version),
        lambda: curation.erase(view, [right], based_on=version),
    ):
        with pytest.raises(ConflictError, match="redraw"):
            refused()


def test_the_verb_starts_from_a_file_a_threshold_or_the_original_takes_a_part_and_grows(view, tmp_path):
    whole = open_run_view(view.workspace, view.workspace.runs.get(view.run.id))
    name, mask, place = name_of(whole, 2), np.zeros(tuple(whole.proposals.size_hw[2]), bool), view.workspace
    mask[3:8, 4:12] = mask[20:30, 20:26] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")

    def now(**settings) -> np.ndarray:
        edit = redraw_mask(whole.run, place, RedrawSettings(name, **settings))
        assert edit.decision in (f"repair of mask {name}", f"reset of mask {name}")
        return curation.mask_of(whole, name, curation.decided_in(whole))

    assert np.array_equal(now(mask=str(tmp_path / "mask.png")), mask)
    small = mask.copy()
    small[20:] = False
    assert np.array_equal(now(component=2), small)
    assert np.array_equal(now(grow=2), grown(small, 2))
    assert np.array_equal(now(original=True), whole.proposals.mask(2))
    for settings, fault in [
        ({}, "choose a mask file"),
        ({"original": True, "threshold": 0.3}, "choose one of"),
        ({"grow": -90}, "nothing is left"),
        ({"component": 2}, "the mask has 1"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            redraw_mask(whole.run, place, RedrawSettings(name, **settings))

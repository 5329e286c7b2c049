"""Drawn objects: scores, pseudo-masks, decisions and the log treat them as objects; undo leaves no trace."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from comus_core import DrawSettings, SeparateSettings, curation, draw_object, separate_objects
from comus_core.curation import NewObject, object_drawing
from comus_core.curation.decision_words import step_words
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import ConflictError, SettingsError, WorkspaceError
from comus_core.evaluation.counts import count_image
from comus_core.proposals.mask_edits import components, encoded, grown
from comus_core.proposals.table import tight_box
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.opened_round import clusters_mask
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace import open_workspace
from tests.curation.halved import halved
from tests.curation.test_judging import labels_of
from tests.scoring.pixel_oracle import expected, painted

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(curated_view):
    """With two masks in each of the first three images."""
    return halved(curated_view)


@pytest.fixture
def whole(view):
    """The run as it is stored: one mask in each image, and images without."""
    return open_run_view(view.workspace, view.workspace.runs.get(view.run.id))


def box(view, image_id, top=5, left=6, height=20, width=25) -> np.ndarray:
    mask = np.zeros(tuple(view.image_sizes[view.image_row_of[image_id]]), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def require_exact(view, decided) -> None:
    """The table of counts, the scores and the curve are those of painted images."""
    counts, drawn = view.counts_of(decided), view.drawn(decided)
    truth = open_dataset(view.run.config.dataset, view.workspace.drawings).truth
    assert list(counts.proposal_id[: len(view.counts)]) == list(view.counts.proposal_id)
    for image_id in view.image_ids:
        rows, new = view.rows_of_image.get(image_id, []), drawn.rows_of_image.get(image_id, [])
        masks = [view.masks(decided).mask(row) for row in rows] + [drawn.proposals.mask(row) for row in new]
        right = count_image(truth.mask(image_id), truth.ignore, masks, len(view.classes))
        at = [*view.count_rows[rows], *counts.find(drawn.ids[new])]
        assert np.array_equal(counts.pixels(np.array(at, np.int64)), right[:-1])
        assert np.array_equal(counts.pixels((counts.image_id == image_id) & (counts.proposal_id == "")), right[-1:])
    rows = len(view.categories(decided).ids) + 1
    for filtered in (False, True):
        pairs = painted(view, decided, filtered=filtered)
        for mode in ("hungarian", "majority"):
            miou, _ = expected(pairs, rows, len(view.classes), mode)
            got = score_clusters(view, decided, mode, filtered=filtered).score.miou
            assert got == pytest.approx(miou, abs=1e-12)
    assert curve_of(view, decided, mode)[int(decided.filter_percent)].miou == pytest.approx(got, abs=1e-12)


def test_a_drawn_object_and_separated_ones_are_scored_pixel_by_pixel_and_undo_leaves_no_trace(view):
    before = curation.set_filter(view, 30.0)  # the opening of its log, which undo leaves
    score, (first, second) = score_clusters(view, before).score, view.image_ids[:2]
    curation.draw(view, str(first), [NewObject(box(view, first), 1)])
    left = view.proposals.mask(view.row_of[f"{second}#0"])
    rows = np.flatnonzero(left.any(axis=1))
    top = left & (np.arange(left.shape[0]) < rows[len(rows) // 2])[:, None]
    decided = curation.separate(view, f"{second}#0", [NewObject(top, "lid")])
    drawn = view.drawn(decided)
    assert list(drawn.ids) == [f"{first}#d1", f"{second}#d1"]
    assert list(drawn.parent) == ["", f"{second}#0"]
    assert np.array_equal(drawn.proposals.mask(1), top)
    assert tuple(drawn.proposals.box_xyxy[1]) == tight_box(top) and drawn.proposals.area[1] == top.sum()
    assert np.array_equal(curation.mask_of(view, f"{second}#0", decided), left & ~top)
    assert decided.name_of(int(drawn.id_of[1])) == "lid"
    require_exact(view, decided)
    for _ in range(2):
        last = curation.undo(view)
    assert replace(last, version=0) == replace(before, version=0)
    assert score_clusters(view, last).score == score and view.counts_of(last) is view.counts
    for _ in range(2):
        again = curation.redo(view)
    assert replace(again, version=0) == replace(decided, version=0)
    assert open_workspace(view.workspace.root).decisions_of(view.run).layout == decided.layout


def test_a_drawn_object_follows_its_category_and_its_image(whole):
    view = whole
    image_id = str(view.image_ids[4])
    curation.draw(view, image_id, [NewObject(box(view, image_id), 2)])
    name = f"{image_id}#d1"

    def now(decided):
        drawn = view.drawn(decided)
        require_exact(view, decided)
        return int(drawn.id_of[0]), int(drawn.category[0])

    assert now(curation.merge(view, [1, 2])) == (1, 1)
    assert now(curation.reject(view, [1])) == (1, -1)
    with pytest.raises(SettingsError, match="is rejected: restore it first"):
        curation.draw(view, image_id, [NewObject(box(view, image_id), 1)])
    assert now(curation.restore(view, [1])) == (1, 1)
    assert now(curation.move(view, [name], 0)) == (0, 0)
    assert now(curation.move(view, [name], None)) == (-1, -1)
    assert now(curation.put_back(view, [name])) == (1, 1)
    assert now(curation.create(view, "own", [name]))[0] == view.clusters
    erased = curation.erase(view, [name])
    assert now(erased) == (-1, -1) and view.drawn(erased).erased[0] and not len(view.drawn(erased).of_image(image_id))
    assert now(curation.accept(view, [name]))[0] == view.clusters
    assert now(curation.exclude(view, [image_id]))[1] == -1
    included = curation.include(view, [image_id])
    larger = grown(box(view, image_id), 3)
    redrawn = curation.redraw(view, name, larger)
    assert np.array_equal(curation.mask_of(view, name, redrawn), larger) and now(redrawn) == now(included)
    with pytest.raises(SettingsError, match="was drawn"):
        curation.reset_mask(view, name)


def test_later_masks_take_pixels_from_earlier_ones_and_a_covered_one_is_erased(view):
    image_id = str(view.image_ids[0])
    curation.draw(view, image_id, [NewObject(box(view, image_id), 1)])
    over = grown(box(view, image_id), 2)
    decided = curation.draw(view, image_id, [NewObject(over, 1)])
    assert decided.layout.erased == {f"{image_id}#d1"} and view.drawn(decided).proposals.area[0] == 0
    assert [i for i in there(view, decided, image_id) if "#d" in i] == [f"{image_id}#d2"]
    decided = curation.redraw(view, f"{image_id}#0", box(view, image_id, height=5))
    assert not (curation.mask_of(view, f"{image_id}#d2", decided) & box(view, image_id, height=5)).any()
    require_exact(view, decided)


def test_what_is_covered_stays_erased_when_it_is_put_back(view):
    image_id, covered = str(view.image_ids[0]), f"{view.image_ids[0]}#d1"
    curation.draw(view, image_id, [NewObject(box(view, image_id), 1)])
    curation.draw(view, image_id, [NewObject(grown(box(view, image_id), 2), 1)])
    with pytest.raises(SettingsError, match="put back: nothing is left of the mask of"):
        curation.put_back(view, [covered])
    curation.erase(view, [f"{view.image_ids[1]}#0"])
    assert curation.put_back(view, [covered, f"{view.image_ids[1]}#0"]).layout.erased == {covered}


def test_parts_are_cut_from_the_mask_as_it_is_when_they_are_saved(view, monkeypatch):
    image_id, name = str(view.image_ids[0]), f"{view.image_ids[0]}#0"
    whole, seen = view.proposals.mask(view.row_of[name]), curation.decided_in(view)
    upper = whole & (np.cumsum(whole.ravel()).reshape(whole.shape) <= whole.sum() // 2)
    quarter = upper & (np.cumsum(upper.ravel()).reshape(upper.shape) <= upper.sum() // 2)
    curation.draw(view, image_id, [NewObject(quarter, 1)])
    monkeypatch.setattr(object_drawing, "decided_in", lambda _: seen)  # read before the other drew
    decided = curation.separate(view, name, [NewObject(upper, 2)])
    assert np.array_equal(curation.mask_of(view, f"{image_id}#d1", decided), quarter)
    assert np.array_equal(curation.mask_of(view, f"{image_id}#d2", decided), upper & ~quarter)
    with pytest.raises(SettingsError, match="no pixel of the mask"):
        curation.draw(view, image_id, [NewObject(upper, 1)], parent=name)


def test_scores_and_curve_where_only_drawn_objects_are_left(whole):
    view = whole
    image_id = next(str(i) for i in view.image_ids if i not in view.rows_of_image)
    curation.draw(view, image_id, [NewObject(box(view, image_id), 1)])
    decided = curation.exclude(view, list(view.rows_of_image))
    counts, rows = view.counted(decided)
    assert (rows == -1).all() and counts.find([f"{image_id}#d1"])[0] >= 0
    pairs, categories = painted(view, decided, filtered=False), len(view.categories(decided).ids) + 1
    right, _ = expected(pairs, categories, len(view.classes), "majority")
    assert score_clusters(view, decided, "majority").score.miou == pytest.approx(right, abs=1e-12)
    assert [p.miou for p in curve_of(view, decided, "majority")] == pytest.approx([right] * 101, abs=1e-12)


def test_the_objects_of_an_image_are_proposals_and_then_drawn_ones_and_share_no_pixel(view):
    image_id = str(view.image_ids[1])
    curation.draw(view, image_id, [NewObject(box(view, image_id, 0, 0, 4, 4), "corner")])
    decided = curation.redraw(view, f"{image_id}#1", grown(view.proposals.mask(view.row_of[f"{image_id}#1"]), 2))
    objects, names = decided_objects(view, decided), [f"{image_id}#0", f"{image_id}#1", f"{image_id}#d1"]
    rows = objects.of_image(image_id)
    assert objects.ids[rows].tolist() == names == [str(i) for i in objects.masks[np.array(rows)].proposal_id]
    assert [objects.row_of[i] for i in names] == rows and objects.rows_of_image[image_id] == rows
    assert objects.by_hand[rows].tolist() == [names[0] in decided.layout.redrawn, True, True]
    masks = [objects.masks.mask(row) for row in rows]
    assert sum(mask.astype(int) for mask in masks).max() == 1
    assert [mask.sum() for mask in masks] == objects.masks.area[rows].tolist()
    assert decided.name_of(int(objects.id_of[rows[2]])) == "corner" and objects.core[rows[2]]
    assert np.isnan(objects.distance[rows[2]]) and np.isfinite(objects.distance[rows[:2]]).all()
    painted_mask = clusters_mask(view, decided, image_id)
    for row, mask in zip(rows, masks, strict=True):
        assert (painted_mask[mask] == objects.category[row] + 1).all()
    assert there(view, curation.erase(view, names[:1]), image_id) == names[1:]
    assert there(view, curation.exclude(view, [image_id]), image_id) == []
    with pytest.raises(SettingsError, match="no image gone"):
        objects.of_image("gone")


def there(view, decided, image_id) -> list[str]:
    objects = decided_objects(view, decided)
    return objects.ids[objects.of_image(image_id)].tolist()


def test_pseudo_masks_learn_it_also_in_an_image_that_was_in_no_training_and_come_back(whole):
    masks = whole.workspace.artifact(whole.run, "pseudo_masks")
    first = labels_of(whole, curation.decided_in(whole))
    image_id = next(str(i) for i in whole.image_ids if i not in first)
    rows = whole.rows_of_image.get(image_id, [])
    decided = curation.draw(whole, image_id, [NewObject(box(whole, image_id), 1)])
    right = np.zeros(box(whole, image_id).shape, int)
    for row in rows:
        right[whole.proposals.mask(row)] = 255
    right[box(whole, image_id)] = whole.drawn(decided).category[0] + 1
    found = labels_of(whole, decided)
    assert np.array_equal(found.pop(image_id), right) and found.keys() == first.keys()
    assert all(np.array_equal(found[i], first[i]) for i in first)
    assert not follows_decisions(whole.workspace, whole.run, masks)
    moved = curation.move(whole, [f"{image_id}#d1"], 2)
    assert (labels_of(whole, moved)[image_id][box(whole, image_id)] == 3).all()
    for _ in range(2):
        curation.undo(whole)
    assert follows_decisions(whole.workspace, whole.run, masks)


def test_words_of_the_log(view):
    image_id = str(view.image_ids[0])
    curation.draw(view, image_id, [NewObject(box(view, image_id, 0, 0, 3, 3), 1)])
    history = curation.history(view)
    assert step_words(history.state, history.undoable.event) == f"drawing of {image_id}#d1"
    left = view.masks(history.state).mask(view.row_of[f"{image_id}#0"])
    part = left & (np.cumsum(left.ravel()).reshape(left.shape) <= left.sum() // 2)
    curation.separate(view, f"{image_id}#0", [NewObject(part, 1)])
    history = curation.history(view)
    assert step_words(history.state, history.undoable.event) == f"separation of {image_id}#d2 from {image_id}#0"


def test_what_is_no_object_is_refused_and_nothing_is_written(view):
    image_id, version = str(view.image_ids[0]), curation.decided_in(view).version
    mask, size = box(view, image_id), view.image_sizes[0]
    left = f"{image_id}#0"
    for refused, fault in [
        (lambda: curation.draw(view, "gone", [NewObject(mask, 1)]), "no image gone"),
        (lambda: curation.draw(view, image_id, []), "choose an object"),
        (lambda: curation.draw(view, image_id, [NewObject(np.zeros(size, bool), 1)]), "it is empty"),
        (lambda: curation.draw(view, image_id, [NewObject(np.ones((3, 4), bool), 1)]), "3 x 4 pixels"),
        (lambda: curation.draw(view, image_id, [NewObject(mask, 1), NewObject(mask, 2)]), "overlap"),
        (lambda: curation.draw(view, image_id, [NewObject(mask, " ")]), "must not be empty"),
        (lambda: curation.separate(view, left, [NewObject(~view.proposals.mask(0), 1)]), "no pixel of the mask"),
        (lambda: curation.separate(view, left, [NewObject(view.proposals.mask(0), 1)]), "the whole mask"),
        (lambda: curation.redraw(view, f"{image_id}#d1", mask), "no drawn object"),
        (lambda: curation.move(view, [f"{image_id}#d1"], 1), "no proposal"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            refused()
    with pytest.raises((SettingsError, WorkspaceError), match="77"):
        curation.draw(view, image_id, [NewObject(mask, 77)])
    log, clustering, text = view.workspace.decisions, view.run.artifacts["clustering"], encoded(mask)
    for objects, fault in [
        ([[f"{image_id}#7", 1, text, None]], "no id of a new object"),
        ([[f"{image_id}#d1", 1, text, None]] * 2, "no id of a new object"),
        ([[f"{image_id}#d1", 1, text, 5]], "no id of a new object"),
        ([[f"{image_id}#d1", "1", text, None]], "must be a number"),
        ([[f"{image_id}#d1", 1, "", None]], "is empty"),
        ([[f"{image_id}#d1", 1, "not run lengths!", None]], "not a run-length code"),
        ([], "choose an object"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            log.append(view.run.id, clustering, "draw", objects=objects, masks=[])
    assert curation.decided_in(view).version == version


def test_two_people_draw_in_one_image_and_conflict_only_where_pixels_are_taken(view):
    image_id, version = str(view.image_ids[5]), curation.decided_in(view).version
    apart = [box(view, image_id, 0, 0, 2, 2), box(view, image_id, 0, 4, 2, 2)]
    for mask in apart:
        decided = curation.draw(view, image_id, [NewObject(mask, 1)], based_on=version)
    assert list(view.drawn(decided).ids) == [f"{image_id}#d1", f"{image_id}#d2"]
    with pytest.raises(ConflictError, match="draw"):
        curation.draw(view, image_id, [NewObject(box(view, image_id, 0, 0, 1, 9), 1)], based_on=version)


def test_the_verbs_draw_from_a_file_and_take_parts_out(whole, tmp_path):
    place, image_id = whole.workspace, str(whole.image_ids[2])
    mask = box(whole, image_id, 2, 2, 10, 10) | box(whole, image_id, 30, 2, 6, 6) | box(whole, image_id, 30, 20, 4, 4)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    name = whole.labels(curation.decided_in(whole)).names[1]
    edit = draw_object(whole.run, place, DrawSettings(image_id, str(tmp_path / "mask.png"), category=name))
    assert edit.decision == f"drawing of {image_id}#d1" and edit.new == ()
    edit = separate_objects(whole.run, place, SeparateSettings(f"{image_id}#d1", component=3, new_category="small"))
    assert edit.decision == f"separation of {image_id}#d2 from {image_id}#d1" and edit.new[0][1] == "small"
    separate_objects(whole.run, place, SeparateSettings(f"{image_id}#d1"))
    drawn = whole.drawn(curation.decided_in(whole))
    assert [drawn.proposals.area[k] for k in range(3)] == [100, 16, 36]
    assert drawn.category[2] == drawn.category[0] != drawn.category[1]
    assert len(components(mask)) == 3
    Image.fromarray(box(whole, image_id, 2, 2, 10, 4)).save(tmp_path / "part.png")
    edit = separate_objects(
        whole.run, place, SeparateSettings(f"{image_id}#d1", mask=str(tmp_path / "part.png"), category=name)
    )
    assert whole.drawn(curation.decided_in(whole)).proposals.area.tolist() == [60, 16, 36, 40]
    for settings, fault in [
        (SeparateSettings(f"{image_id}#d1"), "has one part"),
        (SeparateSettings(f"{image_id}#d1", component=1, mask="x.png"), "choose one of"),
        (SeparateSettings(f"{image_id}#d1", category=name, new_category="x"), "choose either"),
        (SeparateSettings(f"{image_id}#9"), "no proposal"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            separate_objects(whole.run, place, settings)
    for settings, fault in [
        (DrawSettings(image_id, str(tmp_path / "mask.png")), "choose a category"),
        (DrawSettings("gone", str(tmp_path / "mask.png"), category=name), "no image gone"),
    ]:
        with pytest.raises(SettingsError, match=fault):
            draw_object(whole.run, place, settings)

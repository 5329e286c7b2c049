"""What scores, masks, a comparison and another data set make of merged, split, moved and rejected clusters."""

from typing import get_args

import numpy as np
import pytest

from comus_core import curation, evaluate
from comus_core.config import FilterBy, Matching
from comus_core.curation.filter_draft import apply, with_by
from comus_core.datasets.dataset import open_dataset
from comus_core.evaluation.matching import iou_matrix
from comus_core.pipelines.apply_rounds import apply_round
from comus_core.pipelines.compare import compare
from comus_core.pipelines.verb_settings import CompareSettings, EvaluateSettings
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.run_round import RunRound, find_round
from comus_core.scoring.core_curves import curve_of
from comus_core.scoring.round_scores import score_clusters, score_round
from comus_core.stages import StageContext, pseudo_masks
from comus_core.stages.assignment import assigned_categories
from comus_core.types import no_progress
from comus_core.workspace.decisions import Decisions
from tests.builders import contingency, score_run
from tests.scoring.pixel_oracle import expected, painted

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(curated_view):
    return curated_view


def test_a_rejected_category_is_background_in_every_score_and_absent_from_the_masks(view):
    workspace, run = view.workspace, view.run
    decided = curation.reject(view, [2])
    kept_pixels = {
        p: (-1 if c == 2 else int(c) - (c > 2)) for p, c in zip(view.proposals.proposal_id, view.cluster, strict=True)
    }
    expected = iou_matrix(contingency(view.counts, kept_pixels, 5))
    got = score_clusters(view, decided, "majority", filtered=False)
    assert np.array_equal(iou_matrix(got.rows.contingency), expected)
    assert score_run(workspace, run, decided, "majority").every == got.score
    assert view.coverage(decided) == view.kept(decided).sum() / (view.cluster != 2).sum()
    masks = masks_of(view, decided)
    rejected = set(view.proposals.image_id[view.cluster == 2])
    assert not rejected & set(masks)
    assert max(int(m.max(initial=0, where=m < 255)) for m in masks.values()) == 5
    restored, plain = curation.restore(view, [2]), score_run(workspace, run, Decisions(), "majority")
    assert score_clusters(view, restored, "majority", filtered=False).score == plain.every


def test_masks_hold_the_resulting_categories_and_are_made_anew_only_when_they_differ(view):
    first = fingerprint(view, curation.decided_in(view))
    assert first == view.run.artifacts["pseudo_masks"]
    assert fingerprint(view, curation.rename(view, 0, "cat")) == first
    proposal = str(view.proposals.proposal_id[view.categories(Decisions()).rows[0][0]])
    decided = curation.move(view, [proposal], 5)
    assert fingerprint(view, decided) != first
    row = view.row_of[proposal]
    mask = masks_of(view, decided)[view.proposals.image_id[row]]
    assert (mask[view.proposals.mask(row)] == 6).all()
    assert fingerprint(view, curation.undo(view)) == first


@pytest.mark.parametrize("by", get_args(FilterBy))
def test_after_all_kinds_of_decisions_scores_and_curve_are_those_of_painted_images(view, by):
    curation.split(view, curation.propose_split(view, 0, 2))
    curation.merge(view, [1, 2, 6])
    curation.move(view, [str(p) for p in view.proposals.proposal_id[:3]], None)
    curation.reject(view, [4])
    decided = curation.decided_in(view)
    decided = apply(view.workspace, view.run, decided, with_by(decided, by))
    assert decided.filter_by == by and decided.layout.rejected == {4}
    rows = len(view.categories(decided).ids) + 1
    for filtered in (False, True):
        pairs = painted(view, decided, filtered=filtered)
        for mode in get_args(Matching):
            miou, _ = expected(pairs, rows, len(view.classes), mode)
            stored = score_round(view.workspace, RunRound(view.run, 0), mode, filtered=filtered)
            assert stored.score.miou == pytest.approx(miou, abs=1e-12)
            assert stored.score == score_clusters(view, decided, mode, filtered=filtered).score
    assert stored.coverage == view.coverage(decided)
    percent = int(decided.filter_percent)
    assert curve_of(view, decided, mode)[percent].miou == pytest.approx(stored.score.miou, abs=1e-12)


def test_three_categories_for_three_classes_are_matched_one_to_one(view):
    decided = curation.decided_in(view)
    assert score_clusters(view, decided, filtered=False).score.matching == "majority"
    curation.merge(view, [0, 3])
    curation.merge(view, [1, 4])
    decided = curation.merge(view, [2, 5])
    assert score_clusters(view, decided, filtered=False).score.matching == "hungarian"


def test_another_data_set_is_scored_with_the_resulting_categories(view):
    spec = view.run.config.dataset
    curation.merge(view, [0, 1])
    decided = curation.reject(view, [3])
    found = evaluate(RunRound(view.run, 0), view.workspace, EvaluateSettings(spec, matching="majority"))
    # the same images: every proposal's nearest neighbour is itself
    assert found["evaluation"]["miou"] == score_clusters(view, decided, "majority", filtered=False).score.miou


def test_by_nystrom_too_new_proposals_join_the_categories_and_the_parts_of_a_split(view):
    curation.split(view, curation.propose_split(view, 2, 2))
    curation.merge(view, [0, 1])
    decided = curation.reject(view, [3])
    one, spec = RunRound(view.run, 0), view.run.config.dataset
    applied = apply_round(one, spec, view.workspace, assign="nystrom", device="cpu", on_progress=no_progress)
    ids, found = assigned_categories(view.workspace, view.run, applied.made["assignment"], decided)
    own = view.categories(decided)
    assert found.ids == own.ids == (0, 2, 4, 5, 6)
    expected = own.id_of[[view.row_of[p] for p in ids]]
    assert (found.id_of == expected).mean() > 0.9
    rejected = expected == 3
    assert rejected.any() and (found.category[rejected & (found.id_of == 3)] == -1).all()


def test_a_comparison_counts_the_categories_as_decided(view):
    curation.merge(view, [0, 1])
    decided = curation.reject(view, [3])
    one = find_round(view.workspace, view.run.id, 0)
    found = compare((one, one), view.workspace, CompareSettings(resamples=5))
    expected = score_clusters(view, decided, filtered=False).score.miou
    assert found["first"]["miou"] == pytest.approx(expected, abs=1e-9)


def masks_of(view, decided):
    artifact = make_masks(view, decided)
    table = artifact.table().to_pydict()
    return {
        i: from_png((artifact.folder / f).read_bytes()) for i, f in zip(table["image_id"], table["file"], strict=True)
    }


def fingerprint(view, decided):
    return make_masks(view, decided).fingerprint


def make_masks(view, decided):
    dataset = open_dataset(view.run.config.dataset, view.workspace.drawings)
    context = StageContext(view.workspace, dataset, view.run.config, "cpu", no_progress)
    kinds = ("images", "proposals", "clustering")
    return pseudo_masks(context, {k: view.workspace.artifact(view.run, k) for k in kinds}, decided)

"""How far two rounds agree, against loops over pixels."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from comus_core import agreement, discover
from comus_core.errors import Cancelled, DatasetError, SettingsError
from comus_core.evaluation.partitions import adjusted_rand_index, normalised_mutual_information
from comus_core.pipelines.verb_settings import AgreementSettings
from comus_core.proposals.table import Proposals
from comus_core.runs.opened_round import clusters_mask
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_agreement import agreement_rows
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import Layout
from tests.builders import copy_of


def test_the_rows_hold_every_pair_of_categories_of_every_image():
    rng = np.random.default_rng(0)
    first = {"a": rng.integers(0, 3, (5, 7), np.uint8), "b": rng.integers(0, 3, (4, 4), np.uint8)}
    second = {"a": rng.integers(0, 5, (5, 7), np.uint8), "b": rng.integers(0, 5, (4, 4), np.uint8)}
    rows = agreement_rows(["a", "b"], first.__getitem__, second.__getitem__, (2, 4))
    pairs = Counter(
        (image, int(two), int(one))
        for number, image in enumerate("ab")
        for one, two in zip(first[image].ravel(), second[image].ravel(), strict=True)
    )
    found = {
        ("ab"[rows.image[r]], int(rows.category[r]), c): int(v)
        for r in range(len(rows.image))
        for c, v in enumerate(rows.values[[r]].toarray()[0])
        if v
    }
    assert found == dict(pairs) and rows.contingency.shape == (5, 3)


def test_masks_of_different_sizes_and_no_image_are_refused():
    with pytest.raises(DatasetError, match="image a"):
        agreement_rows(["a"], lambda _: np.zeros((2, 2), np.uint8), lambda _: np.zeros((2, 3), np.uint8), (1, 1))
    with pytest.raises(SettingsError, match="nothing to compare"):
        agreement_rows([], lambda _: np.zeros((2, 2), np.uint8), lambda _: np.zeros((2, 2), np.uint8), (1, 1))


def test_round_0_has_every_proposal_in_its_category_and_rejected_ones_as_background(finished):
    view = open_run_view(*finished)
    gone = int(view.cluster[0])
    decided = Decisions(filter_percent=90.0, layout=Layout(rejected=frozenset({gone})))
    categories = view.categories(decided)
    for image_id in map(str, view.image_ids):
        mask = clusters_mask(view, decided, image_id)
        expected = np.zeros(mask.shape, int)
        for row in view.rows_of_image.get(image_id, []):
            one: Proposals = view.proposals
            expected[one.mask(row)] = categories.category[row] + 1
        assert mask.tolist() == expected.tolist()


def test_ari_and_nmi_are_those_of_scikit_learn_over_single_pixels():
    rng = np.random.default_rng(4)
    for parts in ((1, 1), (3, 1), (1, 4), (3, 4), (5, 5)):
        first, second = (rng.integers(0, k, 400) for k in parts)
        second = np.where(rng.random(400) < 0.6, first % parts[1], second)
        table = np.zeros(parts, np.int64)
        np.add.at(table, (first, second), 1)
        assert adjusted_rand_index(table) == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)
        expected = normalized_mutual_info_score(first, second)
        assert normalised_mutual_information(table) == pytest.approx(expected, abs=1e-9)
    same = np.diag([10**9, 2 * 10**9, 5])  # pairs beyond 64 bits
    assert adjusted_rand_index(same) == 1 and normalised_mutual_information(same) == pytest.approx(1, abs=1e-12)


def test_two_runs_over_the_same_images_agree_as_their_pixels_do(finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path / "w")
    other = discover(replace(run.config, clustering=replace(run.config.clustering, clusters=4)), workspace)
    found = agreement((RunRound(other, 0), RunRound(run, 0)), workspace)
    views = [open_run_view(workspace, one) for one in (other, run)]
    sides = [np.concatenate([clusters_mask(v, Decisions(), str(i)).ravel() for i in views[0].image_ids]) for v in views]
    assert found["pixel_agreement"] < 100 and found["images"] == 30 and found["matching"] == "majority"
    assert found["ari"] == pytest.approx(adjusted_rand_score(*sides), abs=1e-12)
    assert found["nmi"] == pytest.approx(normalized_mutual_info_score(*sides), abs=1e-9)
    first, second = (side.astype(int) for side in sides)

    def iou(there, k):
        return 100 * np.sum(there & (first == k)) / np.sum(there | (first == k))

    renamed = np.array([np.argmax([iou(second == row, k) for k in range(5)]) for row in range(4)])[second]
    ious = [iou(renamed == k, k) for k in range(5)]
    assert list(found["per_category"].values()) == pytest.approx(ious, abs=1e-9)
    assert found["miou"] == pytest.approx(np.mean(ious), abs=1e-9)
    assert found["pixel_agreement"] == pytest.approx(100 * np.mean(renamed == first), abs=1e-9)
    assert json.loads(json.dumps(found)) == found
    assert found["second"] == {"run": run.id, "round": 0, "training": None}
    itself = agreement((RunRound(run, 0), RunRound(run, 0)), workspace, AgreementSettings("hungarian"))
    assert (itself["miou"], itself["ari"]) == (100, 1) and itself["matching"] == "hungarian"
    with pytest.raises(Cancelled):
        agreement((RunRound(run, 0), RunRound(other, 0)), workspace, on_progress=stop)


def stop(_):
    raise Cancelled

"""How far two rounds agree, against loops over pixels."""

from collections import Counter

import numpy as np
import pytest

from comus_core.errors import DatasetError, SettingsError
from comus_core.proposals.table import Proposals
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_agreement import agreement_rows, clusters_mask
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import Layout


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

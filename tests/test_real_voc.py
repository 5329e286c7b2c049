"""The whole way on the 725 real VOC photographs, and an oracle that shares no code with the evaluation."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config
from comus_core.runs.run_view import open_run_view

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def voc(photographs, voc_journey):
    """(run of features and seed -> finished run, workspace); the long stages were computed in the browser's test."""
    workspace = voc_journey.workspace

    def run(features: str, seed: int):
        config = make_config(
            dataset=f"voc:{photographs}:trainval",
            saliency={"detector": "u2netp"},
            features={"encoder": "efficientnet-lite0"},
            clustering={"clusters": 20, "features": features},
            seed=seed,
        )
        return discover(config, workspace)

    return run, workspace


@pytest.mark.parametrize(("features", "floor"), [("l2", 38.5), ("raw", 34.0)])
def test_categories_of_voc_are_found_for_each_of_three_seeds(voc, features, floor):
    run, _ = voc
    scores = [run(features, seed).result["evaluation"] for seed in range(3)]
    assert all(s["matching"] == "hungarian" and len(s["per_class"]) == 21 for s in scores)
    assert min(s["miou"] for s in scores) >= floor, scores


def test_a_second_run_calls_no_stage(voc):
    run, _ = voc
    run("l2", 0)
    assert run("l2", 0).result["computed"] == []


def test_loops_over_pixels_agree_with_the_counts_and_the_scores(voc, photographs):
    run, workspace = voc
    view = open_run_view(workspace, run("l2", 0))
    root = photographs / "VOCdevkit" / "VOC2012" / "SegmentationClass"
    chosen = [i for i in view.image_ids if i in view.rows_of_image][:3] + [
        i for i in view.image_ids if i not in view.rows_of_image
    ][:1]
    pairs = Counter()  # (cluster + 1 or 0, class) -> pixels, over the chosen images
    for image_id in chosen:
        truth = np.asarray(Image.open(root / f"{image_id}.png")).tolist()
        rows = view.rows_of_image.get(image_id, [])
        masks = [view.proposals.mask(row).tolist() for row in rows]
        counted = Counter()
        for y, x in product(range(len(truth)), range(len(truth[0]))):
            if truth[y][x] != 255:
                inside = [row for row, mask in zip(rows, masks, strict=True) if mask[y][x]]
                counted[(inside[0] if inside else None, truth[y][x])] += 1
        for row in [*rows, None]:
            name = view.proposals.proposal_id[row] if row is not None else ""
            mine = (view.counts.image_id == image_id) & (view.counts.proposal_id == name)
            assert view.counts.pixels(mine).tolist() == [[counted[(row, c)] for c in range(21)]]
        for (row, c), pixels in counted.items():
            pairs[(0 if row is None else int(view.cluster[row]) + 1, c)] += pixels
    _agree_on_scores(view, chosen, pairs)


def _agree_on_scores(view, chosen, pairs):
    """The scores of those images alone, against sums of dictionaries and a majority vote written out."""
    from comus_core.evaluation.counts import Counts
    from comus_core.evaluation.matching import match
    from comus_core.evaluation.report import score
    from tests.builders import contingency

    rows = np.isin(view.counts.image_id, chosen)
    counts = Counts(view.counts.image_id[rows], view.counts.proposal_id[rows], view.counts.values[rows])
    predicted = dict(zip(view.proposals.proposal_id, view.cluster.tolist(), strict=True))
    own = {p: c for p, c in predicted.items() if p.rsplit("#", 1)[0] in chosen}
    matrix = contingency(counts, own, view.clusters)
    result = score(matrix, match(matrix, "majority"), view.classes)

    def iou(group, c):
        both = sum(pairs[(k, c)] for k in group)
        either = sum(n for (k, d), n in pairs.items() if k in group or d == c)
        return both / either if either else 0.0

    class_of = {}
    for k in range(21):
        ious = [iou([k], c) for c in range(21)]
        class_of[k] = ious.index(max(ious)) if any(n for (j, _), n in pairs.items() if j == k) else 0
    expected = [iou([k for k in range(21) if class_of[k] == c], c) for c in range(21)]
    assert result.per_class == pytest.approx(
        {name: 100 * v for name, v in zip(view.classes, expected, strict=True)}, abs=1e-12
    )
    assert result.miou == pytest.approx(100 * sum(expected) / 21, abs=1e-12)

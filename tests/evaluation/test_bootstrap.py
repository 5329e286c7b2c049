"""The paired bootstrap against plain loops over resamples, each scored as everything else is scored."""

import sys
from itertools import permutations

import numpy as np
import pytest

from comus_core.errors import SettingsError
from comus_core.evaluation import bootstrap
from comus_core.evaluation.bootstrap import CountedImages, miou, paired_bootstrap
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score

CLASSES = ["background", "p", "q", "r"]


def counted(ids, values, matching="auto"):
    return CountedImages(ImageRows.of_tables(ids, values), matching)


def drawn(seed=0, images=7, rows=4, n=4, most=20):
    """The same ground truth predicted twice: (ids, first, second), each (m, rows, n)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, most, (images, n))
    truth[:, 1:] *= rng.random((images, n - 1)) < 0.7
    sides = [
        np.stack([rng.multinomial(pixels, rng.dirichlet(np.ones(rows))) for pixels in truth.ravel()])
        .reshape(images, n, rows)
        .transpose(0, 2, 1)
        for _ in range(2)
    ]
    return [f"i{k}" for k in range(images)], *sides


def looped(first, second, resamples, seed, one_score):
    """Differences of every resample, image by image added up."""
    rng, images = np.random.default_rng(seed), len(first)
    found = []
    for _ in range(resamples):
        weights = rng.multinomial(images, [1 / images] * images)
        tables = [sum(int(w) * image for w, image in zip(weights, side, strict=True)) for side in (first, second)]
        found.append(one_score(tables[1]) - one_score(tables[0]))
    return np.array(found)


def by_permutations(table):
    """mIoU of the best one-to-one matching by trying each, from sets of pixels and no matrix."""
    n = table.shape[1]
    best = 0.0
    for classes in permutations(range(n)):
        total = 0.0
        for r, k in enumerate(classes):
            union = sum(table[r]) + sum(table[:, k]) - table[r][k]
            total += table[r][k] / union if union else 0.0
        best = max(best, 100 * total / n)
    return best


def agrees(got, differences):
    assert got.mean == pytest.approx(differences.mean(), abs=1e-9)
    assert (got.low, got.high) == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])), abs=1e-9)
    assert got.share_not_above == (differences <= 1e-12).mean()


def test_every_resample_is_matched_anew_as_by_trying_every_permutation():
    ids, first, second = drawn()
    got = paired_bootstrap(counted(ids, first), counted(ids, second), resamples=60, seed=3)
    agrees(got, looped(first, second, 60, 3, by_permutations))
    assert got.difference == pytest.approx(by_permutations(second.sum(0)) - by_permutations(first.sum(0)), abs=1e-9)
    assert (got.images, got.resamples, got.seed) == (7, 60, 3)


@pytest.mark.parametrize(("rows", "mode"), [(4, "majority"), (7, "auto"), (7, "hungarian"), (3, "hungarian")])
def test_other_matchings_give_what_scoring_each_resample_gives(rows, mode):
    ids, first, second = drawn(seed=rows, rows=rows)
    got = paired_bootstrap(counted(ids, first, mode), counted(ids, second, mode), resamples=50, seed=1)
    agrees(got, looped(first, second, 50, 1, lambda table: score(table, match(table, mode), CLASSES).miou))


def test_a_fixed_matching_is_that_of_all_images():
    ids, first, second = drawn(seed=5)
    one, two = (counted(ids, side).with_fixed_matching() for side in (first, second))
    fixed = {id(side): match(side.sum(0)) for side in (first, second)}
    rng, differences = np.random.default_rng(0), []
    for _ in range(80):
        weights = rng.multinomial(7, [1 / 7] * 7)
        a, b = (score(np.tensordot(weights, side, 1), fixed[id(side)], CLASSES).miou for side in (first, second))
        differences.append(b - a)
    got = paired_bootstrap(one, two, resamples=80)
    agrees(got, np.array(differences))
    anew = paired_bootstrap(counted(ids, first), counted(ids, second), resamples=80)
    assert got.difference == anew.difference and got.mean != anew.mean


def test_images_are_joined_by_id_and_blocks_change_nothing(monkeypatch):
    ids, first, second = drawn(seed=8)
    order = [3, 0, 6, 1, 5, 2, 4]
    whole = paired_bootstrap(counted(ids, first), counted(ids, second), resamples=100)
    monkeypatch.setattr(bootstrap, "BLOCK_CELLS", 200)
    shuffled = counted([ids[k] for k in order], second[order])
    assert paired_bootstrap(counted(ids, first), shuffled, resamples=100) == whole


def test_a_prediction_is_never_above_itself():
    ids, first, _ = drawn()
    got = paired_bootstrap(counted(ids, first), counted(ids, first), resamples=20)
    assert (got.difference, got.low, got.high, got.share_not_above) == (0, 0, 0, 1)


def test_what_does_not_belong_together_is_refused():
    ids, first, second = drawn()
    one = counted(ids, first)
    with pytest.raises(SettingsError, match="2 images in one of the two scores alone, such as i6, x"):
        paired_bootstrap(one, counted([*ids[:-1], "x"], second))
    with pytest.raises(SettingsError, match="different ground truth"):
        paired_bootstrap(one, counted(ids, second + 1))
    with pytest.raises(SettingsError, match="counted twice"):
        paired_bootstrap(one, counted(["i0", *ids[:-1]], second))
    with pytest.raises(SettingsError, match="resamples 0"):
        paired_bootstrap(one, one, resamples=0)
    with pytest.raises(SettingsError, match="nothing to compare"):
        paired_bootstrap(counted([], first[:0]), counted([], second[:0]))


@pytest.mark.parametrize("mode", ["hungarian", "majority"])
def test_the_pooled_score_is_that_of_scoring(mode):
    ids, first, _ = drawn(seed=2, images=30)
    table = first.sum(0)
    assert miou(counted(ids, first, mode)) == pytest.approx(score(table, match(table, mode), CLASSES).miou)


def test_it_needs_no_torch():
    import subprocess

    code = (
        "import sys, comus_core.evaluation.bootstrap, comus_core.pipelines.compare; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

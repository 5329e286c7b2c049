import numpy as np
import pytest
import scipy.linalg

from comus_core.saliency.cuts.mask_cut import mask_cut
from tests.saliency.cuts.drawn_features import regions, three_objects, two_regions

PAPER = {"rounds": 3, "overlap": 0.5, "least": 0.01}


def connected(mask, seed):
    """The 4-connected cells of a mask that hold a seed, by flooding."""
    found, todo = set(), [seed]
    while todo:
        y, x = todo.pop()
        if (y, x) in found or not (0 <= y < len(mask) and 0 <= x < len(mask[0])) or not mask[y][x]:
            continue
        found.add((y, x))
        todo += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return found


def slow_mask_cut(features, tau, rounds, overlap, least):
    """The published rule, cell by cell, with a dense solver of the generalised problem."""
    height, width, _ = features.shape
    left = features.astype(float).copy()
    masks, before, taken = [], None, set()
    for _ in range(rounds):
        cells = left.reshape(height * width, -1)
        norms = [max(float(np.sqrt((c * c).sum())), 1e-12) for c in cells]
        n = len(cells)
        weights = np.array(
            [[1.0 if cells[i] @ cells[j] / norms[i] / norms[j] > tau else 1e-5 for j in range(n)] for i in range(n)]
        )
        degree = np.diag(weights.sum(axis=1))
        v = scipy.linalg.eigh(degree - weights, degree)[1][:, 1].reshape(height, width)
        seed = np.unravel_index(np.abs(v).argmax(), v.shape)
        side = v > v.mean()
        if sum(side[y, x] for y in (0, -1) for x in (0, -1)) >= 3 and side[seed]:
            side, v = ~side, -v
        elif not side[seed]:
            side, v = ~side, -v
            if sum(side[y, x] for y in (0, -1) for x in (0, -1)) >= 3:
                side, v = ~side, -v
        region = connected(side, tuple(int(i) for i in np.unravel_index(v.argmax(), v.shape)))
        if before is not None:
            iou = len(region & before) / len(region | before)
            if iou > overlap or len(region) <= least * n:
                break
        before = region
        new = region - taken
        if not new:
            break
        masks.append(new)
        taken |= new
        for y, x in new:
            left[y, x] = 0
    return masks


@pytest.mark.parametrize("seed", range(4))
def test_the_masks_are_those_of_the_rule_written_out_cell_by_cell(seed):
    labels = three_objects()[:12, :20]
    features = regions(labels, noise=0.8, seed=seed)
    ours = mask_cut(features, 0.3, **PAPER)
    theirs = slow_mask_cut(features, 0.3, **PAPER)
    assert [{(int(y), int(x)) for y, x in np.argwhere(soft > 0.5)} for soft in ours] == theirs


def test_three_objects_are_found_one_after_the_other_and_no_cell_twice():
    labels = three_objects()
    maps = mask_cut(regions(labels), 0.4, **PAPER)
    assert maps.shape == (3, 16, 24) and maps.dtype == np.float32
    found = sorted(np.unique(labels[soft > 0.5]).tolist() for soft in maps)
    assert found == [[1], [2], [3]]
    assert all(np.array_equal(soft > 0.5, labels == labels[soft > 0.5][0]) for soft in maps)
    assert (maps > 0.5).sum(axis=0).max() == 1


def test_rounds_limit_the_objects_and_one_round_is_one_cut():
    features = regions(three_objects())
    assert [len(mask_cut(features, 0.4, **PAPER | {"rounds": n})) for n in (1, 2, 3)] == [1, 2, 3]
    assert np.array_equal(mask_cut(features, 0.4, **PAPER | {"rounds": 2}), mask_cut(features, 0.4, **PAPER)[:2])


def test_a_further_object_that_is_too_small_ends_the_search():
    features = regions(three_objects())
    sizes = [int((soft > 0.5).sum()) for soft in mask_cut(features, 0.4, **PAPER)]
    assert len(mask_cut(features, 0.4, **PAPER | {"least": sizes[1] / features[..., 0].size})) == 1


def test_one_object_is_first_and_what_else_is_found_shares_no_cell_with_it():
    features, inside = two_regions()
    maps = mask_cut(features, 0.5, **PAPER)
    assert np.array_equal(maps[0] > 0.5, inside)
    assert all(not ((soft > 0.5) & inside).any() for soft in maps[1:])


def test_where_all_cells_are_alike_there_is_no_object():
    assert mask_cut(np.ones((6, 8, 4), np.float32), 0.2, **PAPER).shape == (0, 6, 8)

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from comus_core.datasets.health_measures import dct_hash, groups_of, measure, near_pairs


def scene(seed: int, side: int = 256) -> Image.Image:
    """A smooth random picture."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (9, 9, 3)).astype(np.uint8))
    return small.resize((side, side), Image.Resampling.BICUBIC)


def apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_the_hash_is_the_sign_of_the_low_frequencies_about_their_median():
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (32, 32)).astype(np.uint8)
    waves = [[math.cos(math.pi * (2 * x + 1) * k / 64) for x in range(32)] for k in range(8)]
    low = []
    for u in range(8):
        for v in range(8):
            total = sum(float(pixels[y, x]) * waves[u][y] * waves[v][x] for y in range(32) for x in range(32))
            low.append(total * (math.sqrt(0.5) if u == 0 else 1) * (math.sqrt(0.5) if v == 0 else 1))
    middle = np.median(low[1:])
    expected = int("0" + "".join("1" if value > middle else "0" for value in low[1:]), 2)
    assert dct_hash(Image.fromarray(pixels)) == expected


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_survives_scaling_recoding_and_another_light_but_tells_pictures_apart(seed, tmp_path):
    picture = scene(seed)
    own = dct_hash(picture.convert("L"))
    picture.save(tmp_path / "a.jpg", quality=40)
    changed = [
        Image.open(tmp_path / "a.jpg"),
        picture.resize((100, 100), Image.Resampling.BOX),
        picture.point(lambda v: round(0.8 * v + 10)),
    ]
    assert max(apart(own, dct_hash(other.convert("L"))) for other in changed) <= 4
    assert min(apart(own, dct_hash(scene(other).convert("L"))) for other in range(100, 130)) > 10


def by_comparing_all(hashes, most):
    found = [(i, j) for i, j in combinations(range(len(hashes)), 2) if apart(int(hashes[i]), int(hashes[j])) <= most]
    return sorted(found)


@pytest.mark.parametrize("most", [0, 1, 4, 7])
def test_near_pairs_are_those_of_comparing_all_with_all(most):
    rng = np.random.default_rng(most)
    centres = rng.integers(0, 2**63, 12, dtype=np.uint64) * np.uint64(2) + rng.integers(0, 2, 12).astype(np.uint64)
    hashes = np.repeat(centres, 15)
    for row in range(len(hashes)):
        for bit in rng.choice(64, rng.integers(0, 7), replace=False):
            hashes[row] ^= np.uint64(1) << np.uint64(bit)
    found = near_pairs(hashes, most)
    assert list(map(tuple, found.tolist())) == by_comparing_all(hashes, most) and len(found) > 0


@given(st.lists(st.integers(0, 2**64 - 1), max_size=12), st.integers(0, 12))
def test_near_pairs_hold_for_any_hashes(values, most):
    hashes = np.array(values, np.uint64)
    assert list(map(tuple, near_pairs(hashes, most).tolist())) == by_comparing_all(hashes, most)


def test_a_full_bucket_is_compared_block_by_block():
    hashes = np.zeros(1500, np.uint64)
    assert len(near_pairs(hashes, 0)) == 1500 * 1499 // 2


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)).filter(lambda p: p[0] < p[1]), max_size=20))
def test_groups_are_what_pairs_join(pairs):
    groups = [{i, j} for i, j in pairs]
    merging = True
    while merging:
        merging = False
        for one, other in combinations(groups, 2):
            if one & other:
                groups.remove(other)
                one |= other
                merging = True
                break
    found = groups_of(np.array(sorted(set(pairs)), np.int64).reshape(-1, 2), 15)
    assert found == sorted((sorted(g) for g in groups), key=lambda g: (-len(g), g))


def test_sharpness_is_the_variance_of_the_laplacian_and_brightness_what_one_percent_exceeds():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (20, 30)).astype(np.uint8)
    found = measure(np.stack([grey] * 3, axis=2))
    edged = np.pad(grey.astype(float), 1, mode="symmetric")
    laplacian = edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:] - 4 * edged[1:-1, 1:-1]
    assert found.sharpness == pytest.approx(laplacian.var())
    assert found.contrast == pytest.approx(grey.std() / 255)
    ranked = np.sort(grey.ravel())
    assert ranked[-7] <= 255 * found.brightness <= ranked[-6]  # 600 pixels: 6 of them are 1 %


def test_a_blurred_picture_is_less_sharp_at_any_size_and_a_large_one_is_judged_as_a_small_one():
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (300, 400, 3)).astype(np.uint8))
    sharp, soft = (measure(np.asarray(p)).sharpness for p in (picture, picture.filter(ImageFilter.GaussianBlur(3))))
    assert soft < sharp / 100
    large = picture.resize((1600, 1200), Image.Resampling.NEAREST)
    assert measure(np.asarray(large)).sharpness == pytest.approx(
        measure(np.asarray(large.resize((512, 384), Image.Resampling.BOX))).sharpness, rel=0.05
    )

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.demo import composition
from comus_core.datasets.demo.composition import CATEGORIES, CLASSES, draw_scene
from comus_core.datasets.demo.scenes import N_SCENES, draw_demo
from comus_core.errors import DatasetError

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def masks():
    return [draw_scene(number)[1] for number in range(0, N_SCENES, 3)]


def all_bytes(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_draws_the_same_bytes_in_another_process(tmp_path):
    here = all_bytes(draw_demo(tmp_path / "here", n_scenes=12))
    program = "import sys; from pathlib import Path; from comus_core.datasets.demo.scenes import draw_demo; "
    program += "draw_demo(Path(sys.argv[1]), n_scenes=12)"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "17"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "there")], check=True, env=environment)
    assert len(here) == 25
    assert all_bytes(tmp_path / "there" / "demo-v1") == here


def test_another_seed_draws_another_scene():
    assert len({draw_scene(5, seed)[0].tobytes() for seed in range(4)}) == 4


def test_most_scenes_hold_one_object_and_the_rest_two_or_three(masks):
    kinds = [len(set(np.unique(mask)) - {0}) for mask in masks]
    assert min(kinds) == 1 and max(kinds) <= 3
    assert 0.7 <= np.mean([k == 1 for k in kinds]) < 0.95


def test_every_category_is_drawn_about_equally_often_and_large_enough_to_be_found(masks):
    share = Counter()
    for mask in masks:
        for index, pixels in zip(*np.unique(mask, return_counts=True), strict=True):
            if index:
                share[CLASSES[index]] += 1
                assert pixels > 400
    assert set(share) == {category.name for category in CATEGORIES} and 8 <= len(share) <= 12
    assert max(share.values()) <= 2 * min(share.values())


@pytest.mark.parametrize("number", [0, 3, 4, 7, 16])
def test_the_mask_is_exactly_what_the_object_covers(number, monkeypatch):
    """Without shadow, the ground changes where the object stands and nowhere else, but for the antialiased seam."""
    before_and_after = []

    def add_without_shadow(pixels, category, pose, light, rng):
        before = pixels.copy()
        shape = add(pixels, category, pose, replace(light, shadow=0.0), rng)
        before_and_after.append((before, pixels.copy()))
        return shape

    add = composition._add
    monkeypatch.setattr(composition, "_add", add_without_shadow)
    covered = draw_scene(number)[1] > 0
    changed = np.abs(before_and_after[-1][1] - before_and_after[0][0]).max(axis=2) > 0
    around = np.ones((3, 3), bool)
    seam = ndimage.binary_dilation(covered, around, 2) & ~ndimage.binary_erosion(covered, around)
    np.testing.assert_array_equal(changed[~seam], covered[~seam])


def test_objects_are_not_cut_off_by_the_frame(masks):
    for mask in masks:
        assert not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def test_the_demo_opens_with_exact_masks_and_says_that_it_is_synthetic(tmp_path):
    draw_demo(tmp_path, n_scenes=10)
    dataset = open_dataset("demo", tmp_path)
    assert dataset.synthetic and dataset.name == dataset.spec == "demo"
    assert dataset.root == tmp_path / "demo-v1" and len(dataset.files) == 10
    assert dataset.truth.classes == CLASSES
    image, mask = draw_scene(4)
    np.testing.assert_array_equal(dataset.truth.mask("images/scene-004.jpg"), mask)
    assert np.abs(dataset.read("images/scene-004.jpg").astype(int) - image).mean() < 3  # JPEG's loss


def test_a_whole_demo_is_not_drawn_again_and_a_partial_one_is_replaced(tmp_path):
    folder = draw_demo(tmp_path, n_scenes=2)
    before = (folder / "classes.txt").stat().st_mtime_ns
    draw_demo(tmp_path, n_scenes=2)
    assert (folder / "classes.txt").stat().st_mtime_ns == before
    (folder / "classes.txt").unlink()
    (folder / "images/scene-000.jpg").unlink()
    draw_demo(tmp_path, n_scenes=2)
    assert len(all_bytes(folder)) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["demo-v1"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be drawn in .*file"):
        draw_demo(tmp_path / "file")

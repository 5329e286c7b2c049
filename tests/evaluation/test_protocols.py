"""What a protocol does to masks, and matching by pixels."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from comus_core.errors import SettingsError
from comus_core.evaluation.bootstrap import CountedImages, miou
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import match, one_to_one
from comus_core.evaluation.protocols import PROTOCOLS, centred, protocol_named
from comus_core.evaluation.report import score


@pytest.mark.parametrize(
    "shape", [(375, 500), (500, 333), (320, 320), (100, 641), (2000, 1500), (308, 308), (305, 244)]
)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_the_middle_square_is_that_of_torchvision(shape, kind):
    mask = np.random.default_rng(0).integers(0, 255, shape).astype(kind)
    theirs = CenterCrop(320)(Resize(320, InterpolationMode.NEAREST)(Image.fromarray(mask.astype(np.uint8))))
    ours = centred(mask, 320)
    assert ours.dtype == kind and ours.shape == (320, 320)
    assert np.array_equal(ours, np.asarray(theirs))


def test_a_resized_mask_holds_no_new_index():
    mask = np.random.default_rng(1).choice([0, 7, 300, 65535], (90, 130)).astype(np.uint16)
    assert set(np.unique(centred(mask, 320))) <= {0, 7, 300, 65535}


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_by_pixels_the_most_pixels_of_all_permutations_are_equal(k, seed):
    table = np.random.default_rng(seed).integers(0, 9, (k, k))
    best = max(table[range(k), order].sum() for order in permutations(range(k)))
    assert table[range(k), one_to_one(table, by="pixels")].sum() == best
    found = score(table, match(table, "counts"), [str(n) for n in range(k)])
    assert found.pixel_accuracy == pytest.approx(100 * best / max(table.sum(), 1))


def test_pixels_and_iou_may_choose_differently_and_each_is_called_by_its_name():
    table = np.array([[10, 0, 1], [0, 2, 2], [30, 15, 0]])
    by_iou, by_pixels = match(table, "hungarian"), match(table, "counts")
    assert (by_iou.mode, by_iou.class_of.tolist()) == ("hungarian", [0, 2, 1])
    assert by_pixels.mode == "counts" and table[range(3), by_pixels.class_of].sum() == 33
    assert match(table[:2], "counts").mode == "counts-rectangular"


def test_a_resample_is_matched_by_pixels_too():
    table = np.array([[10, 0, 1], [0, 2, 2], [30, 15, 0]])
    counted = CountedImages(ImageRows.of_tables(["a"], table[None]), "counts")
    assert miou(counted) == pytest.approx(score(table, match(table, "counts"), list("abc")).miou)


def test_the_names_are_those_of_the_settings_and_an_unknown_one_is_refused():
    assert {name: protocol.name for name, protocol in PROTOCOLS.items()} == {n: n for n in PROTOCOLS}
    with pytest.raises(SettingsError, match="protocol 'best': choose one of comus, cause, majority"):
        protocol_named("best")

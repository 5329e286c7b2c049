"""Run lengths are read by one rule, whoever wrote them; the oracle is pycocotools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from comus_core.datasets import coco_outlines
from comus_core.datasets.coco_rle import decode, run_lengths
from comus_core.errors import SettingsError
from comus_core.export.bundle_tables import run_lengths as lengths_of_bundles

MASKS = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1))


def test_there_is_one_reader():
    assert lengths_of_bundles is run_lengths and coco_outlines.coco_rle.decode is decode
    assert not hasattr(coco_outlines, "_uncompressed")


@given(MASKS)
def test_list_text_and_bytes_are_the_same_mask_as_pycocotools_packed(mask):
    packed = coco_mask.encode(np.asfortranarray(mask))["counts"]
    plain = run_lengths(packed).tolist()
    assert plain == run_lengths(packed.decode()).tolist() == run_lengths(plain).tolist()
    assert sum(plain[1::2]) == mask.sum()
    for counts in (packed, packed.decode(), plain):
        found = decode(counts, mask.shape)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, mask)


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=30))
def test_runs_of_nothing_and_long_ones_are_packed_by_pycocotools_and_come_back(lengths):
    height = sum(lengths)
    packed = coco_mask.frPyObjects({"size": [height, 1], "counts": lengths}, height, 1)
    assert run_lengths(packed["counts"]).tolist() == lengths
    np.testing.assert_array_equal(decode(lengths, (height, 1)), decode(packed["counts"], (height, 1)))
    np.testing.assert_array_equal(decode(lengths, (height, 1))[:, 0], np.repeat(np.arange(len(lengths)) % 2, lengths))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([10, 90], "its run lengths have 100 pixels, not 10 x 20 = 200"),
        ([250, -50], "have 200 pixels"),
        ([], "have 0 pixels"),
        ([10, "x"], "cannot be read"),
        ([[10], [190]], r"cannot be read \(a list of lists\)"),
        ([2**70], "cannot be read"),
        (7, "neither a list nor a text"),
        (None, "neither a list nor a text"),
        ("", "damaged"),
        ("zzzz", "damaged"),
        ("ooooooooooo1", "a run longer than any image"),
        ("é", "damaged"),
        (b"P", "damaged"),
    ],
)
def test_what_pycocotools_would_write_beyond_the_mask_for_is_refused(counts, words):
    with pytest.raises(SettingsError, match=words):
        decode(counts, (10, 20))

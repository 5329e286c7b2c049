"""Texts that a bundle brings packed: run lengths of masks, and the proposals of a split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from comus_core.datasets.coco_rle import run_lengths
from comus_core.errors import SettingsError
from comus_core.workspace.layout import packed, unpacked

MEGABYTE = 1 << 20


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40))
def test_run_lengths_are_those_that_were_packed(lengths):
    """The oracle is pycocotools: a mask of these runs, packed by it."""
    total = sum(lengths)
    if total == 0:
        return
    flat = np.repeat(np.arange(len(lengths)) % 2, lengths).astype(np.uint8)
    packed_mask = coco_mask.encode(np.asfortranarray(flat[:, None]))
    found = run_lengths(packed_mask["counts"])
    assert found.sum() == total and found[1::2].sum() == flat.sum()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    assert np.cumsum(found)[:-1].tolist() == edges


@pytest.mark.parametrize("text", ["P", "\x00", "PPPPPPPPP0", "é"])
def test_what_is_no_run_length_code_is_refused(text):
    with pytest.raises(SettingsError):
        run_lengths(text.encode())


def test_what_a_split_packed_is_unpacked_and_nothing_larger():
    value = [[f"images/{n:06d}.png#0", 3, 0.25] for n in range(50_000)]
    assert unpacked(packed(value)) == value
    for text in (packed("a" * 40 * MEGABYTE), "not base 85 \x00", packed(value)[:-20]):
        with pytest.raises(SettingsError, match="the proposals of a split"):
            unpacked(text)

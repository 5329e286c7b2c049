"""Masks on disk are indexed as the array they stand for."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comus_core.proposals.stored_masks import CACHED_PARTS, StoredMasks
from comus_core.proposals.table import SCHEMA, Proposals

N = 3 * (CACHED_PARTS + 6) - 1  # more row groups than are held, the last one short


@pytest.fixture
def stored(tmp_path):
    rng = np.random.default_rng(0)
    rle = np.array([rng.bytes(int(rng.integers(0, 40))) for _ in range(N)], object)
    column = pa.array(rle, pa.binary())
    pq.write_table(pa.table({"proposal_id": pa.array(map(str, range(N))), "rle": column}), tmp_path / "t", 3)
    return rle, StoredMasks(tmp_path / "t")


@pytest.mark.parametrize("rows", [slice(None), slice(4, 11), np.array([N - 1, 0, 5, 5]), np.arange(N) % 3 == 1, []])
def test_several_rows_are_those_of_the_array(stored, rows):
    rle, masks = stored
    rows = np.array(rows, np.int64) if isinstance(rows, list) else rows
    assert masks[rows].tolist() == rle[rows].tolist()


def test_one_row_is_bytes_from_either_end(stored):
    rle, masks = stored
    assert len(masks) == N
    assert [masks[row] for row in (0, N - 1, -1, np.int64(7))] == [rle[0], rle[N - 1], rle[-1], rle[7]]
    with pytest.raises(IndexError):
        masks[N]


def test_no_more_parts_are_held_than_allowed(stored):
    rle, masks = stored
    assert masks[::-1].tolist() == rle[::-1].tolist()
    assert len(masks._parts) == CACHED_PARTS


def test_an_empty_table_has_no_masks(tmp_path):
    pq.write_table(SCHEMA.empty_table(), tmp_path / "t")
    masks = StoredMasks(tmp_path / "t")
    assert len(masks) == 0 and masks[:].tolist() == []
    assert len(Proposals.from_table(SCHEMA.empty_table().drop_columns("rle"), masks)) == 0

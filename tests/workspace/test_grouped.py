import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comus_core.workspace.grouped import GROUP_BYTES, write_grouped


def table(first, rows, width):
    """`rows` rows from `first` on, each with `width` bytes of its own."""
    numbers = range(first, first + rows)
    content = [np.random.default_rng(k).bytes(width) for k in numbers]
    return pa.table({"row": pa.array(numbers, pa.int64()), "content": pa.array(content, pa.binary())})


@pytest.mark.parametrize(
    ("rows", "width", "parts", "groups"),
    [
        (64, 10, 40, [40 * 64]),  # all of it is less than a megabyte
        (64, 4096, 10, [4 * 64, 4 * 64, 2 * 64]),  # four parts and their offsets are just over one
        (3, GROUP_BYTES, 4, [3] * 4),  # a part that is larger stays whole
    ],
)
def test_parts_are_gathered_to_groups_of_a_megabyte_in_their_order(tmp_path, rows, width, parts, groups):
    tables = [table(rows * k, rows, width) for k in range(parts)]
    write_grouped(tmp_path / "t", tables[0].schema, iter(tables))
    metadata = pq.read_metadata(tmp_path / "t")
    assert [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)] == groups
    assert pq.read_table(tmp_path / "t").equals(pa.concat_tables(tables))


def test_empty_parts_and_no_parts_give_an_empty_table(tmp_path):
    schema = table(0, 1, 1).schema
    for name, parts in (("a", []), ("b", [schema.empty_table()] * 3)):
        write_grouped(tmp_path / name, schema, parts)
        assert pq.read_table(tmp_path / name).equals(schema.empty_table())


def test_a_fault_half_way_leaves_nothing(tmp_path):
    def parts():
        yield table(0, 3, GROUP_BYTES)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_grouped(tmp_path / "t", table(0, 1, 1).schema, parts())
    assert list(tmp_path.iterdir()) == []

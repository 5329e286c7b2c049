"""The vectors of all shards in one file, written shard by shard as if at once."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.stages.vectors import _join_vectors, write_vectors


def test_the_file_is_the_one_that_is_written_at_once(tmp_path):
    rng, parts, shards = np.random.default_rng(0), [], []
    for number, rows in enumerate((3, 1, 5)):
        part = rng.normal(size=(rows, 7)).astype(np.float32)
        cells = pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), 7)
        ids = [f"{number}#{row}" for row in range(rows)]
        shards.append(tmp_path / f"{number}.parquet")
        with pq.ParquetWriter(shards[-1], pa.schema({"proposal_id": pa.string(), "feature": cells.type})) as writer:
            for start in range(0, rows, 2):  # units are row groups
                writer.write_table(
                    pa.table({"proposal_id": ids[start : start + 2], "feature": cells[start : start + 2]})
                )
        parts.append((ids, part))
    at_once, joined = tmp_path / "at_once", tmp_path / "joined"
    at_once.mkdir()
    joined.mkdir()
    write_vectors(at_once, [i for ids, _ in parts for i in ids], np.concatenate([part for _, part in parts]))
    _join_vectors(shards, joined)
    for name in ("vectors.npy", "table.parquet"):
        assert (at_once / name).read_bytes() == (joined / name).read_bytes()

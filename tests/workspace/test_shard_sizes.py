"""Shards of any size give the same artifact: what is worked on at once is a unit, and stays one."""

import json

import numpy as np
import pyarrow as pa
import pytest

from comus_core.types import no_progress
from comus_core.workspace import shard_sizes
from comus_core.workspace.artifacts import ArtifactKey, ArtifactStore
from comus_core.workspace.grouped import GROUP_BYTES
from comus_core.workspace.shard_sizes import chosen_size, kept_size
from tests.jobs.watching import artifact_bytes

KEY = ArtifactKey("letters", 1)
IDS = [f"id{n:03d}" for n in range(90)]


@pytest.fixture(autouse=True)
def by_the_second(monkeypatch):
    monkeypatch.delenv("COMUS_SHARD_SECONDS", raising=False)


class Place:
    def __init__(self, root):
        self.root = root


def made(root, seconds_per_id, stop_after=None, asked=None):
    """An artifact whose rows say which ids were worked on together, large enough for several row groups."""

    def work(ids, tick, _):
        if stop_after is not None and len(asked) >= stop_after:
            raise KeyboardInterrupt
        (asked if asked is not None else []).append(tuple(ids))
        content = [np.random.default_rng(int(i[2:])).bytes(GROUP_BYTES // 30) for i in ids]
        notes = [None if int(i[2:]) % 7 else "seven" for i in ids]
        return pa.table({"id": ids, "with": [ids[0]] * len(ids), "content": content, "note": pa.array(notes, "str")})

    store = ArtifactStore(root / "artifacts")
    options = {"stage": "letters", "on_progress": no_progress, "shard_size": 8, "seconds_per_id": seconds_per_id}
    return store.make_sharded(KEY, IDS, work, **options)


def test_the_size_of_shards_changes_no_byte_of_the_artifact(tmp_path):
    found = []
    for number, seconds in enumerate((None, 0.001, 0.5, 1.0, 100.0)):  # 8, 90, 40, 16 and 8 ids a shard
        made(tmp_path / str(number), seconds)
        found.append(artifact_bytes(Place(tmp_path / str(number))))
    assert all(other == found[0] for other in found) and len(found[0]) >= 2


def test_a_run_that_goes_on_keeps_the_size_it_began_with_however_fast_the_machine_is_by_then(tmp_path):
    asked = []
    with pytest.raises(KeyboardInterrupt):
        made(tmp_path / "a", 1.0, stop_after=5, asked=asked)
    shards = sorted((tmp_path / "a").rglob("0*.parquet"))
    assert [path.name for path in shards] == [
        "000000000.parquet",
        "000000016.parquet",
    ]  # the fifth unit is half a shard
    more = []
    made(tmp_path / "a", 0.01, asked=more)
    assert more[0][0] == "id032" and not set(asked[:4]) & set(more)
    made(tmp_path / "b", None)
    assert artifact_bytes(Place(tmp_path / "a")) == artifact_bytes(Place(tmp_path / "b"))


def test_shards_of_an_older_version_are_gone_on_with(tmp_path):
    (tmp_path / "000000000.parquet").touch()
    assert kept_size(tmp_path, 64, 0.001) == 64
    assert json.loads((tmp_path / shard_sizes.RECORD).read_text()) == 64


def test_a_shard_takes_about_twenty_seconds_in_whole_units(monkeypatch):
    assert [chosen_size(64, s) for s in (10.0, 0.4, 0.1, 0.01, 1e-6)] == [64, 64, 192, 1984, 4096]
    assert chosen_size(16, 1.0) == 16 and chosen_size(16, 0.5) == 32
    monkeypatch.setenv("COMUS_SHARD_SECONDS", "2")
    assert chosen_size(64, 0.01) == 192
    monkeypatch.setenv("COMUS_SHARD_SECONDS", "soon")
    assert chosen_size(64, 0.01) == 1984

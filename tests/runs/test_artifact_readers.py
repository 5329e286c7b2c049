"""Soft maps found by their images, whichever row group they lie in."""

import pyarrow as pa
import pytest

from comus_core.runs.artifact_readers import read_soft_map, read_soft_map_files
from comus_core.workspace import ArtifactKey
from comus_core.workspace.artifacts import TABLE, ArtifactStore
from comus_core.workspace.grouped import GROUP_BYTES, write_grouped

PNG = {f"i{n}": bytes([n]) * (GROUP_BYTES // 3) for n in range(8)}  # three or four to a group


@pytest.fixture
def maps(tmp_path):
    def write(folder):
        rows = [pa.table({"image_id": [i], "png": pa.array([png], pa.binary())}) for i, png in PNG.items()]
        write_grouped(folder / TABLE, rows[0].schema, rows)

    return ArtifactStore(tmp_path).make(ArtifactKey("soft_maps", 1), write)


@pytest.mark.parametrize("asked", [["i0"], ["i7", "i2", "i3"], list(PNG), [], ["i4", "nobody"]])
def test_they_are_those_of_the_images_asked_for(maps, asked):
    assert read_soft_map_files(maps, asked) == {i: PNG[i] for i in asked if i in PNG}


def test_an_image_without_one_has_none(maps):
    assert read_soft_map(maps, "i5") == PNG["i5"] and read_soft_map(maps, "nobody") is None

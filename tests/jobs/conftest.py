import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.config import RunConfig
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import NOT_REACHED, artifact_bytes, end_all


@pytest.fixture(scope="session")
def photographs_of_three_shards(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "photographs"
    folder.mkdir()
    y, x = np.mgrid[:960, :1280]  # large enough that a cancellation comes before the last shard
    for number in range(192):
        file = folder / f"{number:03d}.png"
        if number < 4:
            ramp = np.stack([x, y, x + y + 30 * number], -1).astype(np.uint8)
            Image.fromarray(ramp).save(file, compress_level=1)
        else:
            os.link(folder / f"{number % 4:03d}.png", file)
    return folder


@pytest.fixture
def check_images(photographs_of_three_shards) -> RunConfig:
    return make_config(dataset=str(photographs_of_three_shards), **NOT_REACHED)


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


@pytest.fixture(scope="session")
def undisturbed(photographs_of_three_shards, tmp_path_factory) -> dict[str, bytes]:
    """The artifacts that one uninterrupted process makes of the same photographs."""
    place = open_workspace(tmp_path_factory.mktemp("undisturbed"))
    config = make_config(dataset=str(photographs_of_three_shards), **NOT_REACHED)
    discover(config, place, DiscoverSettings("images"), device="cpu")
    return artifact_bytes(place)

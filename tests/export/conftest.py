"""An honest bundle to forge, and an empty workspace that it is opened in."""

import pytest

from comus_core import open_workspace
from comus_core.export.bundle import bundle


@pytest.fixture(scope="module")
def honest(finished, tmp_path_factory):
    """The zips of a run with its photographs and without."""
    folder = tmp_path_factory.mktemp("honest")
    for name in ("with", "without"):
        bundle(*finished_id(finished), folder / f"{name}.zip", photographs=name == "with")
    return {name: folder / f"{name}.zip" for name in ("with", "without")}


def finished_id(finished):
    return finished[0], finished[1].id


@pytest.fixture
def receiver(tmp_path):
    return open_workspace(tmp_path / "receiver")

"""An honest bundle to forge, and an empty workspace that it is opened in."""

import pytest

from comus_core import open_workspace
from comus_core.export.bundle import bundle
from comus_core.pipelines.verb_settings import BundleSettings


@pytest.fixture(scope="module")
def honest(finished, tmp_path_factory):
    """The zips of a run with its photographs and without."""
    folder = tmp_path_factory.mktemp("honest")
    for name in ("with", "without"):
        workspace, run = finished
        bundle(run, workspace, BundleSettings(str(folder / f"{name}.zip"), images=name == "with"))
    return {name: folder / f"{name}.zip" for name in ("with", "without")}


@pytest.fixture
def receiver(tmp_path):
    return open_workspace(tmp_path / "receiver")

"""A run of mixed clusters to decide on, each test with a copy of its own."""

import shutil

import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.runs.run_view import open_run_view
from tests.builders import draw_folder, write_vectors


@pytest.fixture(scope="session")
def curated_run(tmp_path_factory):
    """Six mixed clusters of three classes: read it, do not change it."""
    root = tmp_path_factory.mktemp("curation")
    folder = draw_folder(root / "shapes", count=60, seed=5)
    vectors = write_vectors(folder, root / "vectors.npz", noise=2.5)
    config = make_config(
        dataset=str(folder),
        saliency={"detector": f"masks:{folder / 'masks'}"},
        features={"encoder": f"file:{vectors}"},
        clustering={"neighbours": 8, "clusters": 6},
        filter_percent=30,
    )
    workspace = open_workspace(root / "workspace")
    return workspace, discover(config, workspace)


@pytest.fixture
def curated_view(curated_run, tmp_path):
    workspace, run = curated_run
    shutil.copytree(workspace.root, tmp_path / "workspace")
    copy = open_workspace(tmp_path / "workspace")
    return open_run_view(copy, copy.runs.get(run.id))

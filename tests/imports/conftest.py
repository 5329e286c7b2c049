import pytest

from comus_core import curation, discover, make_config, open_workspace
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of, draw_folder


@pytest.fixture(scope="session")
def encoded_run(tmp_path_factory):
    """(workspace, run) on drawn images whose boxes an encoder describes: read it, do not change it."""
    root = tmp_path_factory.mktemp("imports")
    folder = draw_folder(root / "drawn", count=24, empty=3)
    config = make_config(
        dataset=str(folder),
        saliency={"detector": f"masks:{folder / 'masks'}"},
        features={"encoder": "efficientnet-lite0"},
        clustering={"clusters": 3, "neighbours": 6},
    )
    workspace = open_workspace(root / "w")
    run = discover(config, workspace, device="cpu")
    view = open_run_view(workspace, run)
    for k, name in enumerate(("disc", "square", "bar")):
        curation.rename(view, k, name)
    return workspace, run


@pytest.fixture
def place(encoded_run, tmp_path):
    """(workspace, run) once more, to be changed."""
    return copy_of(encoded_run, tmp_path)

"""A training that several files look at."""

import shutil

import pytest

from comus_core import open_workspace
from comus_core.self_training.rounds import train
from tests.self_training.rounds import SETTINGS


@pytest.fixture(scope="session")
def trained(finished, tmp_path_factory):
    """(workspace, run, training) in a copy of the finished workspace: train more in it, change nothing."""
    root = tmp_path_factory.mktemp("trained") / "w"
    shutil.copytree(finished[0].root, root)
    workspace = open_workspace(root)
    run = workspace.runs.get(finished[1].id)
    return workspace, run, train(run, workspace, SETTINGS)

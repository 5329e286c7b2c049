"""A training that several files look at."""

import pytest

from comus_core.pipelines.train import train
from comus_core.training import TrainSettings
from tests.builders import copy_of
from tests.training.rounds import SETTINGS


@pytest.fixture(scope="session")
def trained(finished, tmp_path_factory):
    """(workspace, run, training) in a copy of the finished workspace: train more in it, change nothing."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("trained"))
    return workspace, run, train(run, workspace, TrainSettings(SETTINGS))

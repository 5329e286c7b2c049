"""A training as a background job: killed, resumed, and no different from one that nobody disturbed."""

import os
import signal
import subprocess
import sys

import pytest

from comus_core.jobs import ensure_supervisor, get, read_log, resume, submit, wait
from comus_core.training import TrainSettings, make_training
from tests.builders import copy_of
from tests.jobs.watching import PATIENCE, end_all, until

pytestmark = pytest.mark.thorough

TINY = {
    "optimisation.crop": 64,
    "prediction.size": 64,
    "network.head_channels": 16,
    "optimisation.batch": 8,
    "rounds": 1,
    "checkpoint_every": 4,
}


@pytest.fixture
def workspace(finished, tmp_path):
    place, _ = copy_of(finished, tmp_path)
    yield place
    end_all(place)


def test_a_training_that_is_killed_is_resumed_from_its_checkpoint(workspace, finished):
    run = finished[1]
    settings = make_training(**TINY, epochs=30)
    job = submit(workspace, "train", run, TrainSettings(settings, seed=5), "cpu", retries=0)
    ensure_supervisor(workspace)
    at_work = until(lambda: (found := get(workspace, job.id)).stage == "round 1" and found.step > 6 and found)
    assert (at_work.run, at_work.total) == (run.id, 60)
    os.kill(at_work.pid, signal.SIGKILL)
    until(lambda: get(workspace, job.id).state == "lost")
    resume(workspace, job.id)
    ensure_supervisor(workspace)
    again = until(lambda: (found := get(workspace, job.id)).stage == "round 1" and found.attempt == 2 and found)
    assert again.first_step >= 4  # it did not begin anew
    assert wait(workspace, job.id, PATIENCE).state == "done"
    training = workspace.trainings.of_run(run.id)[0]
    assert training.state == "done" and [entry["round"] for entry in training.result["rounds"]] == [0, 1]
    assert f"round 1: mIoU {training.result['rounds'][1]['miou']:.2f} %" in read_log(get(workspace, job.id))


def test_the_command_queues_a_training(workspace, finished):
    run = finished[1]
    options = [f"--set={name}={value}" for name, value in (TINY | {"epochs": 1}).items()]
    command = [sys.executable, "-m", "comus_core", "train", run.id, *options, "--background", "--workspace"]
    done = subprocess.run([*command, str(workspace.root)], capture_output=True, text=True, check=True)
    assert "job 1 is queued: `comus jobs log 1 --follow` follows it" in done.stdout
    job = wait(workspace, 1, PATIENCE)
    assert (job.kind, job.state, job.run) == ("train", "done", run.id)
    assert job.settings["training"]["optimisation"]["crop"] == 64

"""A job that was asked to stop and was too slow is killed, and its shard is not blamed for that."""

import json
import os
import signal
import sqlite3
from contextlib import closing

import pytest

from comus_core.jobs import cancel, get, resume, wait
from tests.jobs.watching import PATIENCE, artifact_bytes, ended, start, until

pytestmark = pytest.mark.thorough


def at_work(workspace):
    """The record of the shard at which a process is, if there is one at this moment."""
    try:
        files = list(workspace.root.rglob("*.attempt.json"))
        return next((f for f in files if json.loads(f.read_text())["at_work"]), None)
    except (OSError, ValueError):
        return None


def is_free(database):
    """Whether no process was stopped within a change of the database."""
    with closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def stopped_within_a_shard(workspace, pid):
    """Stop the process of a job while it is at a shard, as if it was slow."""

    def stopped():
        if at_work(workspace) is None:
            return False
        os.kill(pid, signal.SIGSTOP)
        if at_work(workspace) is not None and is_free(workspace.database.path):
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    until(stopped)


def test_a_kill_after_the_grace_of_a_cancellation_does_not_count_against_the_shard(
    workspace, check_images, undisturbed
):
    job = start(workspace, check_images)
    for _ in range(3):
        stopped_within_a_shard(workspace, until(lambda: get(workspace, job.id).pid))
        cancel(workspace, job.id)
        assert ended(workspace, job.id).state == "cancelled"
        assert list(workspace.root.rglob("*.attempt.json")) == []
        resume(workspace, job.id)
    assert wait(workspace, job.id, PATIENCE).state == "done"
    assert artifact_bytes(workspace) == undisturbed


def test_a_kill_from_outside_does(workspace, check_images):
    job = start(workspace, check_images)
    stopped_within_a_shard(workspace, until(lambda: get(workspace, job.id).pid))
    os.kill(get(workspace, job.id).pid, signal.SIGKILL)
    assert ended(workspace, job.id).state == "lost"
    assert at_work(workspace) is not None

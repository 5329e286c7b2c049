"""What a supervisor does about clocks that jump, disks that fill, jobs that stall, and the cores it has."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from comus_core.config import RunConfig, make_config
from comus_core.errors import DiskFullError, WorkspaceError
from comus_core.files.process_identity import cpu_from_ps, cpu_seconds, this_host
from comus_core.jobs import FINAL, cancel, events, get, submit
from comus_core.jobs.devices import core_budget, most_at_once
from comus_core.jobs.heartbeat import Pulse
from comus_core.jobs.launcher import Rules
from comus_core.jobs.logs import jobs_folder
from comus_core.jobs.processes import has_ended
from comus_core.jobs.silences import Silences
from comus_core.jobs.supervisor import Supervisor
from comus_core.jobs.table import JobTable
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.types import Progress
from comus_core.workspace import reserve
from comus_core.workspace.shard_attempts import Attempt, attempt_at
from tests.jobs.builders import job
from tests.jobs.watching import NOT_REACHED, until


class Usage:
    """What `shutil.disk_usage` says."""

    def __init__(self, free):
        self.free = free


@pytest.fixture
def one_small_job(workspace, drawn):
    jobs_folder(workspace.root)  # made by whoever starts a supervisor's process
    config = make_config(dataset=str(drawn), **NOT_REACHED)
    return submit(workspace, "discover", config, DiscoverSettings("images"), "cpu", retries=0)


def serve_until_final(supervisor, job_id):
    def ended():
        supervisor.tick()
        return (found := get(supervisor.workspace, job_id)).state in FINAL and found

    return until(ended)


def test_a_clock_that_jumps_back_and_forth_ends_no_job(workspace, one_small_job, monkeypatch):
    jumps, real = [0.0, 90_000.0, -5e8, 3e8], time.time
    monkeypatch.setattr(time, "time", lambda: real() + jumps[int(time.monotonic() * 10) % 4])
    done = serve_until_final(Supervisor(workspace, Rules(stalled_after=5)), one_small_job.id)
    assert (done.state, done.attempt, done.error) == ("done", 1, None)
    kinds = [event.kind for event in events(workspace, done.id) if event.kind != "stage"]
    assert kinds == ["queued", "running", "done"]  # in the order of what happened


def test_a_jump_of_the_clock_kills_no_job_that_was_just_asked_to_stop(workspace, monkeypatch):
    supervisor = Supervisor(workspace, Rules(term_after=10, kill_after=20))
    killed = []
    monkeypatch.setattr("comus_core.jobs.supervisor.terminate", killed.append)
    monkeypatch.setattr(supervisor, "_kill", killed.append)
    asked = job(state="cancelling", pid=os.getpid(), host=this_host(), cancel_requested_at=time.time() - 3600)
    supervisor._press(asked)
    assert killed == []


def test_a_disk_that_takes_no_note_keeps_nobody_from_ending_a_job(workspace, monkeypatch):
    supervisor, done = Supervisor(workspace, Rules(term_after=0, kill_after=3600)), []
    monkeypatch.setattr("comus_core.jobs.supervisor.terminate", lambda pid: done.append("terminated"))
    monkeypatch.setattr("comus_core.jobs.supervisor.kill_group", lambda pid: done.append("killed"))

    def full(*_):
        raise WorkspaceError("the disk is full")

    monkeypatch.setattr(supervisor.table, "note", full)
    asked = job(state="cancelling", pid=os.getpid(), host=this_host(), cancel_requested_at=time.time())
    supervisor._press(asked)
    supervisor._end_stalled(asked)
    supervisor.rules = Rules(term_after=0, kill_after=0)
    monkeypatch.setattr(supervisor, "_kill", lambda pid: done.append("killed too"))
    supervisor._press(asked)
    assert done == ["terminated", "killed", "killed too"]


def test_the_kill_of_a_cancelled_job_blames_no_block_of_points(workspace, monkeypatch):
    """Blocks lie deeper in an artifact than its own shards."""
    folder = workspace.artifacts.root / "clustering" / "0123.partial"
    places = [folder / "shards", *(folder / "blocks" / name / "shards" for name in ("reach0-89ab", "rest0-cdef"))]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        for place in places:
            Attempt(place / "000000000.attempt.json", kills=1, at_work=True).keep()
        monkeypatch.setattr("comus_core.jobs.supervisor.folders_of_process", lambda root, process: [folder])
        Supervisor(workspace, Rules())._kill(child.pid)
        assert child.wait(30) == -signal.SIGKILL
    for place in places:
        attempt = attempt_at(place / "000000000.parquet", "clustering/0123")
        assert (attempt.kills, attempt.at_work) == (1, False)


def test_a_job_whose_environment_no_process_can_have_fails_alone(workspace, one_small_job):
    supervisor = Supervisor(workspace, Rules())
    with workspace.database.writing() as connection:
        connection.execute("UPDATE jobs SET environment = ?", (json.dumps({"COMUS_PERSON": "Ada\0"}),))
    supervisor.tick()
    failed = get(workspace, one_small_job.id)
    assert failed.state == "failed" and "cannot be started" in failed.error


def test_on_a_disk_with_little_room_jobs_wait_and_start_when_there_is_some(workspace, one_small_job, monkeypatch):
    supervisor = Supervisor(workspace, Rules())
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: Usage(100 << 20))
    for _ in range(3):
        supervisor.tick()
    assert get(workspace, one_small_job.id).state == "queued"
    waiting = [event for event in events(workspace, one_small_job.id) if event.kind == "waiting"]
    assert len(waiting) == 1 and waiting[0].text.startswith("only 105 MB free") and "`comus clean`" in waiting[0].text
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: Usage(1 << 40))
    assert serve_until_final(supervisor, one_small_job.id).state == "done"


def test_a_job_stops_with_one_sentence_before_its_disk_is_full(workspace, one_small_job, monkeypatch):
    table = JobTable(workspace.database)
    monkeypatch.setattr("comus_core.jobs.heartbeat.low_room", lambda folder, least: "only 3 MB free on the disk")
    with Pulse(table, table.claim(lambda asked, taken: asked)) as pulse:
        until(lambda: pulse.no_room)
        with pytest.raises(DiskFullError, match="stopped with only 3 MB free on the disk; finished shards are kept"):
            pulse.on_progress(Progress("images", 1, 30))


def test_a_run_that_will_not_fit_is_refused_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: Usage(200 << 20))
    reserve.require_room(tmp_path, 160 << 20)
    with pytest.raises(DiskFullError, match=r"only 210 MB free on the disk of .* are needed"):
        reserve.require_room(tmp_path, 170 << 20)


@pytest.mark.parametrize(
    ("beats", "used", "stalled"),
    [
        ((1.0, 1.0), 0.0, True),
        ((1.0, 2.0), 0.0, False),  # it gave a sign of life
        ((5.0, 1.0), 0.0, False),  # also where its clock went back
        ((1.0, 1.0), 30.0, False),  # native code keeps the heartbeat waiting, and works
    ],
)
def test_stalled_is_silent_and_idle_by_a_clock_that_nobody_sets(beats, used, stalled):
    now, cpu = [0.0], [0.0]
    silences = Silences(100.0, clock=lambda: now[0], cpu=lambda pid: cpu[0])
    live = {"pid": 7, "host": this_host()}
    assert not silences.is_stalled(job(heartbeat=beats[0], **live))
    now[0] = 1.0
    assert not silences.is_stalled(job(heartbeat=beats[0], **live))
    now[0], cpu[0] = 101.0, used
    assert silences.is_stalled(job(heartbeat=beats[1], **live)) == stalled
    now[0] = 102.0
    assert not silences.is_stalled(job(heartbeat=beats[1], **live))  # it is given as long again
    assert not Silences(0.0).is_stalled(job(heartbeat=1.0, **live))
    assert not silences.is_stalled(job(heartbeat=1.0, pid=7, host="elsewhere"))


def test_the_use_of_a_processor_is_told_with_and_without_proc():
    before = cpu_seconds(os.getpid())
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert before is not None and 0.05 <= cpu_seconds(os.getpid()) - before < 5
    assert cpu_from_ps("  1-02:03:04\n") == 86400 + 2 * 3600 + 3 * 60 + 4
    assert cpu_from_ps("0:01.23") == pytest.approx(1.23) and cpu_from_ps("12:00") == 720
    assert cpu_from_ps("") is None and cpu_from_ps("gone") is None


def test_an_ended_child_is_seen_without_waitid(monkeypatch):
    child = subprocess.Popen(["true"])
    monkeypatch.delattr(os, "waitid")  # macOS before Python 3.13
    until(lambda: has_ended(child))
    assert child.wait() == 0


def test_the_cores_are_divided_among_jobs_that_share_them(monkeypatch):
    gpus = ("cuda:0", "cuda:1")
    assert core_budget("cpu", (), 4, 16) == {"OMP_NUM_THREADS": "4", "NUMBA_NUM_THREADS": "4"}
    assert core_budget("cpu", (), 4, 2)["OMP_NUM_THREADS"] == "1"
    assert core_budget("cpu", (), 1, 16) == {} and core_budget("cuda:1", gpus, 2, 16) == {}
    assert most_at_once(()) == 1 and most_at_once(gpus) == 2
    monkeypatch.setenv("COMUS_JOBS_AT_ONCE", "3")
    assert most_at_once(gpus) == 3
    monkeypatch.setenv("COMUS_JOBS_AT_ONCE", "many")
    assert most_at_once(gpus) == 2


def test_a_job_that_was_asked_to_stop_while_it_waits_for_room_is_cancelled_at_once(workspace, monkeypatch):
    monkeypatch.setattr(reserve.shutil, "disk_usage", lambda _: Usage(0))
    waiting = submit(workspace, "discover", RunConfig("photos"), DiscoverSettings("images"))
    Supervisor(workspace, Rules()).tick()
    assert cancel(workspace, waiting.id).state == "cancelled"

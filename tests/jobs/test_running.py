"""Real processes on small real work: the check of 192 drawn photographs (three shards), and a whole small run."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from comus_core.config import make_config
from comus_core.errors import WorkspaceError
from comus_core.files.process_identity import identify
from comus_core.jobs import (
    FINAL,
    cancel,
    ensure_supervisor,
    events,
    get,
    is_responding,
    read_log,
    resume,
    submit,
    supervisor_pid,
    wait,
)
from comus_core.jobs.launcher import Rules
from comus_core.jobs.records import SILENCE
from comus_core.pipelines.verb_settings import DiscoverSettings
from tests.jobs.watching import (
    PATIENCE,
    REPOSITORY,
    RULES,
    artifact_bytes,
    ended,
    kill_supervisor,
    shards,
    start,
    until,
)

pytestmark = pytest.mark.thorough


def test_a_killed_job_is_seen_to_be_lost_within_seconds_and_resumed_from_its_shards(
    workspace, check_images, undisturbed
):
    job = start(workspace, check_images)
    until(lambda: shards(workspace))
    os.kill(job.pid, signal.SIGKILL)
    lost = until(lambda: (found := get(workspace, job.id)).state == "lost" and found, seconds=10)
    assert "killed by signal 9 (SIGKILL); out of memory?" in lost.error
    assert "images: 0 of 192" in lost.error  # the last thing it said
    finished, seen = shards(workspace), {}
    resume(workspace, job.id)
    while get(workspace, job.id).state not in FINAL:
        seen |= shards(workspace)
    done = get(workspace, job.id)
    assert (done.state, done.attempt, done.step, done.total, done.error) == ("done", 2, 192, 192, None)
    assert finished and {name: seen[name] for name in finished} == finished  # none of them was written again
    assert artifact_bytes(workspace) == undisturbed
    assert workspace.runs.get(done.run).state == "done"


def test_a_job_cancelled_half_way_stops_and_is_resumed_to_the_end(workspace, check_images, undisturbed):
    job = start(workspace, check_images)
    until(lambda: shards(workspace))
    assert cancel(workspace, job.id).state == "cancelling"
    cancelled = ended(workspace, job.id)
    assert (cancelled.state, cancelled.error) == ("cancelled", None)
    until(lambda: identify(job.pid) is None)
    assert artifact_bytes(workspace) != undisturbed
    resume(workspace, job.id)
    done = wait(workspace, job.id, PATIENCE)
    assert (done.state, done.attempt) == ("done", 2)
    assert artifact_bytes(workspace) == undisturbed


def test_a_job_goes_on_without_its_supervisor_and_the_next_one_adopts_it(workspace, check_images, undisturbed):
    job = start(workspace, check_images)
    first = kill_supervisor(workspace)
    ensure_supervisor(workspace, RULES)
    assert supervisor_pid(workspace) != first
    log = workspace.root / "jobs" / "supervisor.log"
    until(lambda: f"job {job.id}: running in process {job.pid}, adopted" in log.read_text())
    done = ended(workspace, job.id)
    assert (done.state, done.attempt, done.pid) == ("done", 1, job.pid)
    assert artifact_bytes(workspace) == undisturbed


def test_the_death_of_an_adopted_job_is_noticed_though_nobody_has_its_exit_code(workspace, check_images):
    job = start(workspace, check_images)
    kill_supervisor(workspace)
    ensure_supervisor(workspace, RULES)
    os.kill(job.pid, signal.SIGKILL)
    lost = until(lambda: (found := get(workspace, job.id)).state == "lost" and found, seconds=10)
    assert "nobody saw how it ended" in lost.error


def test_a_job_that_died_while_there_was_no_supervisor_is_found_lost_and_its_pid_may_mean_another_by_then(
    workspace, check_images
):
    job = start(workspace, check_images)
    kill_supervisor(workspace)
    os.kill(job.pid, signal.SIGKILL)
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    with workspace.database.writing() as connection:  # as if the system had given the same pid out again
        connection.execute("UPDATE jobs SET pid = ? WHERE id = ?", (bystander.pid, job.id))
    ensure_supervisor(workspace, RULES)
    until(lambda: get(workspace, job.id).state == "lost", seconds=10)
    assert bystander.poll() is None
    bystander.communicate(b"\n")


def test_a_job_that_does_not_answer_is_shown_so_left_alone_and_killed_only_on_cancel(workspace, check_images):
    job = start(workspace, check_images)
    os.kill(job.pid, signal.SIGSTOP)
    time.sleep(1.0)
    stopped = get(workspace, job.id)
    assert stopped.state == "running"
    assert not is_responding(stopped, stopped.heartbeat + SILENCE + 1)
    asked = time.time()
    cancel(workspace, job.id)
    cancelled = ended(workspace, job.id)
    assert cancelled.state == "cancelled"
    assert RULES.kill_after <= cancelled.ended_at - asked < RULES.kill_after + 10
    assert identify(job.pid) is None


def test_a_killed_job_starts_again_by_itself_and_ends_with_the_same_bytes(workspace, check_images, undisturbed):
    job = start(workspace, check_images, retries=2)
    for _ in range(2):
        pid = until(lambda: get(workspace, job.id).pid)
        until(lambda: shards(workspace))
        os.kill(pid, signal.SIGKILL)
        until(lambda dead=pid: get(workspace, job.id).pid not in (None, dead), seconds=20)
    done = ended(workspace, job.id)
    assert (done.state, done.attempt, done.retried) == ("done", 3, 2)
    assert artifact_bytes(workspace) == undisturbed
    told = [(e.attempt, e.kind) for e in events(workspace, job.id) if e.kind != "stage"]
    assert told == [(a, k) for a in (1, 2, 3) for k in ("queued", "running", "lost" if a < 3 else "done")]


def test_a_stalled_job_is_ended_and_started_again_by_itself(workspace, check_images, undisturbed):
    ensure_supervisor(workspace, Rules(idle_seconds=30, stalled_after=2))
    job = start(workspace, check_images, retries=1)
    until(lambda: shards(workspace))
    os.kill(job.pid, signal.SIGSTOP)
    done = until(lambda: (found := get(workspace, job.id)).state in FINAL and found)
    assert (done.state, done.attempt) == ("done", 2)
    assert artifact_bytes(workspace) == undisturbed
    lost = next(e for e in events(workspace, job.id) if e.kind == "lost")
    assert "it gave no heartbeat and used no processor for 2 s, and was killed" in lost.text


def test_a_termination_from_outside_is_lost_and_says_so(workspace, check_images):
    job = start(workspace, check_images)
    until(lambda: "discover begins" in read_log(job))
    os.kill(job.pid, signal.SIGTERM)
    lost = ended(workspace, job.id)
    assert lost.state == "lost"
    assert "from outside" in lost.error


def test_a_fault_is_one_sentence_in_the_row_and_the_job_can_be_tried_again(workspace, drawn_settings, tmp_path):
    folder = tmp_path / "not-there-yet"
    config = make_config(**{**drawn_settings, "dataset": str(folder)})
    job = submit(workspace, "discover", config, DiscoverSettings("images"), "cpu")
    ensure_supervisor(workspace, RULES)
    failed = ended(workspace, job.id)
    assert failed.state == "failed"
    assert str(folder) in failed.error and "\n" not in failed.error and "Traceback" not in read_log(failed)
    shutil.copytree(drawn_settings["dataset"], folder)
    resume(workspace, job.id)
    assert wait(workspace, job.id, PATIENCE).state == "done"


def test_a_workspace_has_one_supervisor_that_leaves_when_idle_and_comes_back_when_needed(workspace):
    ensure_supervisor(workspace, Rules(idle_seconds=600))
    first = supervisor_pid(workspace)
    ensure_supervisor(workspace)
    command = [sys.executable, "-m", "comus_core.jobs.supervisor", "--workspace", str(workspace.root)]
    second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE)
    assert "another supervisor watches this workspace" in second.stdout
    assert second.returncode == 0
    assert supervisor_pid(workspace) == first
    kill_supervisor(workspace)
    for _ in range(2):
        ensure_supervisor(workspace, Rules(idle_seconds=0.1))
        until(lambda: supervisor_pid(workspace) is None)
    log = workspace.root / "jobs" / "supervisor.log"
    until(lambda: log.read_text().count("idle; leaving") == 2)
    assert log.read_text().count("watching") == 3


def test_a_supervisor_that_cannot_start_says_why(workspace):
    with pytest.raises(WorkspaceError, match="invalid float value: 'soon'"):
        ensure_supervisor(workspace, Rules(idle_seconds="soon"))


SUBMITTER = """
import sys
sys.path.insert(0, sys.argv[1])
from comus_core.jobs import ensure_supervisor, submit
from comus_core import DiscoverSettings, make_config, open_workspace
place = open_workspace(sys.argv[2])
config = make_config(
    dataset="shapes", saliency={"detector": "masks:shapes/masks"}, features={"encoder": "file:vectors.npz"},
    clustering={"neighbours": 6},
)
submit(place, "discover", config, DiscoverSettings("clustering"), "cpu")
ensure_supervisor(place)
assert not {"torch", "timm", "umap", "sklearn"} & set(sys.modules)
"""


def test_a_job_outlives_its_submitter_and_works_from_any_folder_without_an_installed_package(
    workspace, drawn, tmp_path
):
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COMUS_WORKSPACE")}
    command = [sys.executable, "-c", SUBMITTER, str(REPOSITORY), str(workspace.root)]
    subprocess.run(command, cwd=drawn.parent, env=bare, check=True, timeout=PATIENCE)
    done = ended(workspace, 1)
    assert (done.state, done.error) == ("done", None)
    run = workspace.runs.get(done.run)
    assert (run.state, run.result["images"], run.result["clusters"]) == ("done", 30, 3)
    assert workspace.artifact(run, "clustering").table().num_rows == 28
    assert "30 images, 0 skipped, 28 proposals" in read_log(done)

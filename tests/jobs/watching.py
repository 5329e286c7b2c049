"""Starting, watching and ending real jobs in tests."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from comus_core.config import RunConfig
from comus_core.files.process_identity import identify
from comus_core.jobs import FINAL, ensure_supervisor, get, list_jobs, submit, supervisor_pid
from comus_core.jobs.launcher import Rules
from comus_core.jobs.records import LIVE
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.types import StageName

REPOSITORY = Path(__file__).parents[2]
RULES = Rules(idle_seconds=30, term_after=0.5, kill_after=1.5)
NOT_REACHED = {"saliency": {"detector": "masks:none"}, "features": {"encoder": "file:none.npz"}}
PATIENCE = 90  # seconds: only a broken build waits so long


def end_all(workspace) -> None:
    """Leave no process behind, whatever the test found."""
    if pid := supervisor_pid(workspace):
        os.kill(pid, signal.SIGKILL)
    for job in list_jobs(workspace, LIVE):
        if job.pid and (found := identify(job.pid)) and found.start == job.process_start:
            os.killpg(job.pid, signal.SIGKILL)


def until(condition, seconds: float = PATIENCE):
    """What `condition` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def start(workspace, config: RunConfig, last: StageName = "images", retries: int = 0):
    """A job that has its process; with no retries a person alone starts it again."""
    job = submit(workspace, "discover", config, DiscoverSettings(last), "cpu", retries=retries)
    ensure_supervisor(workspace, RULES)
    return until(lambda: (found := get(workspace, job.id)).pid and found)


def shards(workspace) -> dict[str, int]:
    """Name and time of writing of the shards finished so far."""
    found = workspace.root.glob("artifacts/images/*.partial/shards/0*.parquet")
    times = {}
    for path in found:
        with suppress(FileNotFoundError):  # the artifact was completed in this instant
            times[path.name] = path.stat().st_mtime_ns
    return times


def ended(workspace, job_id: int):
    return until(lambda: (job := get(workspace, job_id)).state in FINAL and job)


def kill_supervisor(workspace) -> int:
    pid = supervisor_pid(workspace)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: supervisor_pid(workspace) is None)
    return pid


def artifact_bytes(workspace) -> dict[str, bytes]:
    folder = workspace.root / "artifacts"
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock"]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}

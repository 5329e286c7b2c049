"""The process of one job: `python -m comus_core.jobs.worker --workspace DIR JOB --attempt N`."""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from comus_core.errors import Cancelled, ComusError, WorkspaceError
from comus_core.files.atomic import write_json
from comus_core.files.process_identity import identify
from comus_core.files.system_faults import system_message
from comus_core.jobs.heartbeat import Pulse
from comus_core.jobs.logs import result_path
from comus_core.jobs.records import Job, State
from comus_core.jobs.table import JobTable
from comus_core.jobs.work import Observer, work
from comus_core.workspace import Workspace, open_workspace

EXIT_CODES = {"done": 0, "failed": 1, "cancelled": 75, "lost": 75}  # 75: sysexits' "try again later"
FROM_OUTSIDE = "stopped by a signal from outside (the machine or its user shut it down); finished shards are kept"

Ending = tuple[State, str | None]


class Termination:
    """SIGTERM raises `Cancelled` in the work and only there: the row before and after it must be written in peace."""

    def __init__(self) -> None:
        self._asked = self._working = False
        signal.signal(signal.SIGTERM, self._hear)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """The span in which SIGTERM counts; one that came before is heard at its beginning."""
        try:
            self._working = True
            if self._asked:
                raise Cancelled("SIGTERM")
            yield
        finally:
            self._working = False

    def _hear(self, _: int, __: FrameType | None) -> None:
        self._asked = True
        if self._working:
            self._working = False
            raise Cancelled("SIGTERM")


def main() -> None:
    """Do the job; its row says how it ended, the exit code repeats it."""
    faulthandler.enable()
    termination = Termination()
    parser = argparse.ArgumentParser(prog="python -m comus_core.jobs.worker", description=__doc__)
    parser.add_argument("job", type=int)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--attempt", type=int, help="leave if the job is at another attempt")
    options = parser.parse_args()
    workspace = open_workspace(options.workspace)
    table = JobTable(workspace.database)
    job = table.get(options.job)
    me = identify(os.getpid())
    if options.attempt not in (None, job.attempt) or me is None or not table.record_process(job, me):
        _log(f"job {job.id} is {job.state} at attempt {job.attempt}: nothing to do for attempt {options.attempt}")
        sys.exit(0)
    sys.exit(EXIT_CODES[run_job(workspace, table, job, termination)])


def run_job(workspace: Workspace, table: JobTable, job: Job, termination: Termination) -> State:
    """Do the work of a job that this process holds, and write how it ended."""
    _log(f"{job.kind} begins in process {os.getpid()}")
    with Pulse(table, job) as pulse:
        state, error = _work(workspace, table, job, pulse, termination)
    _log(state if error is None else f"{state}: {error}")
    _write_ending(table, job, state, error)
    return state


def _work(workspace: Workspace, table: JobTable, job: Job, pulse: Pulse, termination: Termination) -> Ending:
    """The work, and how it ended in terms of the row; every fault ends here."""
    try:
        with termination.heard():
            pulse.check()
            observer = Observer(pulse.on_progress, lambda run_id: table.set_run(job, run_id), _log)
            write_json(result_path(job), work(workspace, job, observer))
        return "done", None
    except (Cancelled, KeyboardInterrupt):
        return ("cancelled", None) if pulse.cancel_asked else ("lost", FROM_OUTSIDE)
    except ComusError as error:
        return "failed", str(error)
    except Exception as error:
        traceback.print_exc()
        if (said := system_message(error)) is not None:
            return "failed", said
        words = next(iter(str(error).splitlines()), "no message")
        return "failed", f"{type(error).__name__}: {words} (an error of the program; the log holds the details)"


def _write_ending(table: JobTable, job: Job, state: State, error: str | None) -> None:
    for attempt in range(5):  # hours of work must not look lost for a moment's lock
        try:
            if state == "lost":
                table.bury(job, error or "")
            else:
                table.finish(job, state, error)
            return
        except WorkspaceError as fault:
            _log(str(fault))
            time.sleep(2**attempt)


def _log(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    main()

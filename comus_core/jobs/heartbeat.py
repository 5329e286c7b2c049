"""A job's signs of life: a thread that writes heartbeat and progress, and hears when to stop."""

from __future__ import annotations

import threading
import time
import traceback

from comus_core.errors import Cancelled, DiskFullError, WorkspaceError
from comus_core.jobs.logs import rotate_own_output
from comus_core.jobs.progress import StageProgress, advance
from comus_core.jobs.records import Job
from comus_core.jobs.table import JobTable
from comus_core.types import Progress
from comus_core.workspace.reserve import ROOM_TO_GO_ON, low_room

TICK = 0.5  # seconds between writes of progress at the least
HEARTBEAT = 1.0  # seconds between writes when nothing moves
LOOK_EVERY = 2.0  # seconds between looks at the disk and at the size of the log


class Pulse:
    """Observes a stage as `on_progress` and writes the row at most twice a second, from its own thread.

    Attributes:
        cancel_asked: a person asked for the end of the job.
        superseded: the row went over to another attempt; whatever this one still does counts for nothing.
        no_room: what to say where the disk is nearly full.
    """

    def __init__(self, table: JobTable, job: Job) -> None:
        self.table, self.job = table, job
        self.cancel_asked = self.superseded = False
        self.no_room = ""
        self._latest, self._written, self._written_at = StageProgress(), StageProgress(), float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._beat()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._beat()

    def on_progress(self, progress: Progress) -> None:
        """Take note of a step; costs no disk access.

        Raises:
            Cancelled: the job is asked to stop.
            DiskFullError: the disk is nearly full.
        """
        if progress.stage != self._latest.stage:
            print(f"{time.strftime('%H:%M:%S')} {progress.stage}: {progress.step} of {progress.total}", flush=True)
        self._latest = advance(self._latest, progress, time.time())
        self.check()

    def check(self) -> None:
        """Raise `Cancelled` if the job is asked to stop, `DiskFullError` while there still is room to say so."""
        if self.superseded:
            raise Cancelled("another attempt of this job took over")
        if self.cancel_asked:
            raise Cancelled("cancelled; finished shards are kept, resume goes on from there")
        if self.no_room:
            raise DiskFullError(f"stopped with {self.no_room}; finished shards are kept", self.table.database.path)

    def _run(self) -> None:
        looked_at = 0.0
        while not self._ended.wait(TICK):
            if time.monotonic() - looked_at >= LOOK_EVERY:
                self.no_room = low_room(self.table.database.path.parent, ROOM_TO_GO_ON)
                rotate_own_output(self.job.log_path)
                looked_at = time.monotonic()
            if self._latest is not self._written or time.monotonic() - self._written_at >= HEARTBEAT:
                self._beat()

    def _beat(self) -> None:
        latest, now = self._latest, time.time()
        try:
            state = self.table.pulse(self.job, now, latest)
        except WorkspaceError:  # a full disk or a long lock: the stage itself will say so, if it lasts
            traceback.print_exc()
            return
        self.superseded = self.superseded or state is None
        self.cancel_asked = self.cancel_asked or state == "cancelling"
        self._written, self._written_at = latest, time.monotonic()

"""A crew of processes of this machine, each with one pipe; none shares memory or a lock with another."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import comus_core
from comus_core.compute.crew import Report
from comus_core.compute.packing import pack, thread_variables, unpack
from comus_core.errors import ComputeError
from comus_core.workspace.shards import ShardPlan


@dataclass
class _Worker:
    """A process, the shard that it is at, and whether it has begun at all."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    shard: int | None = None
    ready: bool = False

    def send(self, message: bytes) -> None:
        with suppress(OSError):  # it died: that is seen when it is looked at
            self.pipe.send_bytes(message)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Processes:
    """See `Crew`. They belong to the process group of their starter, so that whoever kills it kills them too."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._workers: list[_Worker] = []
        self._packed = b""

    def begin(self, plan: ShardPlan) -> None:
        """See `Crew`."""
        self._packed = pack(plan)
        for worker in [w for w in self._workers if w.process.poll() is not None]:  # died while nothing was to do
            self._workers.remove(worker)
            worker.end()
        while len(self._workers) < min(self._count, len(plan.starts)):
            self._start()
        for worker in self._workers:  # when all are starting: a large plan waits until its reader is there
            worker.send(self._packed)

    def free(self) -> int:
        """See `Crew`."""
        return sum(worker.shard is None for worker in self._workers)

    def give(self, start: int) -> None:
        """See `Crew`."""
        worker = next(worker for worker in self._workers if worker.shard is None)
        worker.shard = start
        worker.send(str(start).encode())

    def reports(self, seconds: float) -> Iterator[Report]:
        """See `Crew`."""
        ready = set(wait([worker.pipe for worker in self._workers], seconds))
        for worker in [w for w in self._workers if w.pipe in ready]:
            try:
                while worker.pipe.poll():
                    told = worker.pipe.recv()
                    if told is None:
                        worker.ready = True
                    else:
                        yield self._report(worker, told)
            except (EOFError, OSError):
                yield from self._replaced(worker)

    def stop(self) -> None:
        """See `Crew`."""
        for worker in self._workers:
            worker.process.kill()
        while self._workers:
            self._workers.pop().end()

    def _report(self, worker: _Worker, told: tuple[int, int, bool, bytes | None]) -> Report:
        start, done, finished, error = told
        if finished:
            worker.shard = None
        return Report(start, done, finished and error is None, unpack(error) if error is not None else None)

    def _replaced(self, worker: _Worker) -> Iterator[Report]:
        """Start another worker in the place of one that died, and tell of its shard."""
        self._workers.remove(worker)
        worker.end()
        death = _ending(worker.process.returncode)
        if not worker.ready and worker.process.returncode > 0:
            raise ComputeError(f"a worker process does not start ({death}): the output above says why")
        self._start().send(self._packed)
        if worker.shard is not None:
            yield Report(worker.shard, death=death)

    def _start(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "comus_core.compute.worker", str(number)]
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    pass_fds=(number,),
                    env={**os.environ, **thread_variables(), "PYTHONPATH": _python_path()},
                )
            except OSError as error:
                ours.close()
                raise ComputeError(f"no other process can be started: {error}; use fewer") from error
        self._workers.append(_Worker(process, Connection(ours.detach())))
        return self._workers[-1]


def _python_path() -> str:
    """What this process can import, its workers can."""
    home = str(Path(comus_core.__file__).resolve().parents[1])
    return os.pathsep.join(dict.fromkeys([home, *(path for path in sys.path if path)]))


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by signal {-code}" + ("; out of memory?" if code == -9 else "")
    return f"exit code {code}"

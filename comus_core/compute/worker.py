"""A process that makes shards: `python -m comus_core.compute.worker PIPE`.

It gets plans, as bytes, and starts of shards, as numbers; it answers None when it is ready, and
then (start, ids done, finished, error). It ends with
the pipe, or with the process that started it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

from comus_core.compute.packing import make_shard, pack_error, unpack
from comus_core.workspace.shards import ShardPlan

LOOK_EVERY = 1.0  # seconds between two looks at whether the starter still lives


def main() -> None:
    """Answer until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the starter, which ends its workers
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    pipe = Connection(int(sys.argv[1]))
    packed, plan = b"", None
    pipe.send(None)
    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        start = _start_of(message)
        if start is None:
            packed, plan = message, None  # read when a shard is asked for: most of a plan may be done by others
            continue
        if plan is None:
            plan, packed = unpack(packed), b""
        _answer(pipe, plan, start)


def _start_of(message: bytes) -> int | None:
    """The number that a message holds; None for a plan."""
    if len(message) > 32:
        return None
    return int(message)


def _answer(pipe: Connection, plan: ShardPlan, start: int) -> None:
    def tell(done: int) -> None:
        try:
            pipe.send((start, done, False, None))
        except OSError:  # the starter is gone, and nobody wants the shard
            os._exit(1)

    error = make_shard(plan, start, tell)
    pipe.send((start, 0, True, pack_error(error) if error is not None else None))


def _end_with(starter: int) -> None:
    while os.getppid() == starter:
        time.sleep(LOOK_EVERY)
    os._exit(1)


if __name__ == "__main__":
    main()

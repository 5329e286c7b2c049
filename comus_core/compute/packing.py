"""A plan of shards as bytes for another process, a worker's answer as bytes for this one, and the shard's own work."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import cloudpickle

from comus_core.errors import ComputeError, ComusError
from comus_core.files.memory_faults import OUT_OF_MEMORY, lacks_memory
from comus_core.machine.device import cpu_cores
from comus_core.workspace.shards import ShardPlan


def pack(plan: ShardPlan) -> bytes:
    """The plan for another process: functions inside functions too, with what they hold.

    Raises:
        ComputeError: a part of someone else's holds what cannot be sent.
    """
    try:
        return bytes(cloudpickle.dumps(plan))
    except Exception as error:
        raise ComputeError(
            f"{plan.stage}: this part cannot be sent to another process ({type(error).__name__}: {error}); "
            "use --compute local"
        ) from error


def unpack(packed: bytes) -> Any:
    """What `pack` or `pack_error` packed."""
    return cloudpickle.loads(packed)


def pack_error(error: BaseException) -> bytes:
    """An error for another process; one that cannot be sent is sent as its words."""
    try:
        packed = bytes(cloudpickle.dumps(error))
        cloudpickle.loads(packed)
        return packed
    except Exception:
        return bytes(cloudpickle.dumps(ComputeError(f"{type(error).__name__}: {error}")))


def thread_variables() -> dict[str, str]:
    """The environment in which a worker has as many threads as this process, in torch and in BLAS.

    Sums in another order have other last bits, so that their number is part of what makes the bytes the same.
    """
    blas = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or str(cpu_cores())
    count = os.environ.get("OMP_NUM_THREADS")
    if count is None or "torch" in sys.modules:
        import torch

        count = str(torch.get_num_threads())
    return {"OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": blas}


def make_shard(plan: ShardPlan, start: int, on_done: Callable[[int], object]) -> BaseException | None:
    """Make a shard in this worker; the fault if it has one.

    `on_done` is told how many of its ids are done.
    """
    done = 0

    def tick(steps: int) -> None:
        nonlocal done
        done += steps
        on_done(done)

    try:
        plan.write(start, tick)
    except ComusError as error:
        return error
    except Exception as error:
        traceback.print_exc()
        return _named(plan, start, error)
    return None


def _named(plan: ShardPlan, start: int, error: Exception) -> ComputeError:
    """An unexpected error with the image, or what else ids are of, in which it occurs: of several, by trying each."""
    if lacks_memory(error):
        return ComputeError(f"{plan.stage}: a worker is {OUT_OF_MEMORY}; fewer processes need less")
    ids, (one, several) = plan.ids_at(start), plan.nouns
    way_out = plan.way_out("; --exclude leaves it out")
    if len(ids) == 1:
        return ComputeError(f"{plan.stage}: {one} {ids[0]}: {_words(error)}{way_out}")
    for each in ids:
        try:
            plan.work([each], lambda _: None, plan.folder.parent)
        except Exception as alone:
            return ComputeError(f"{plan.stage}: {one} {each}: {_words(alone)}{way_out}")
    return ComputeError(f"{plan.stage}: {several} {ids[0]} to {ids[-1]} together: {_words(error)}")


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), 'no message')}"

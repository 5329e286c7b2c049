"""A crew of actors on a Ray cluster, one for each of its processors; results go to files, not through Ray."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import comus_core
from comus_core.compute.crew import Report
from comus_core.compute.packing import make_shard, pack, pack_error, thread_variables, unpack
from comus_core.compute.ray_nodes import NO_RAY, OBJECT_STORE, answers, cluster_address
from comus_core.errors import ComputeError
from comus_core.login import without_login
from comus_core.settings import require
from comus_core.workspace.shards import ShardPlan

PATIENCE = 120.0  # seconds without a single worker that is ready before it is an error


class ShardMaker:
    """What an actor does: it reads a plan once, then makes its shards one by one."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._key, self._plan = 0, None

    def begin(self, key: int, packed: bytes, folder: str) -> str | None:
        """Take a plan, where it is not the one that it has; the reason why it cannot."""
        where = f"node {_node()}"
        if comus_core.__version__ != self._version:
            here = f"COMUS {comus_core.__version__}, not {self._version}"
            return f"{where}: {here}: install the same version on all machines"
        if key != self._key:
            if not Path(folder).is_dir():
                same = "the workspace must lie on a file system that all machines share, at the same path"
                return f"{where}: no folder {folder}: {same}"
            self._key, self._plan = key, unpack(packed)
        return None

    def make(self, start: int) -> bytes | None:
        """Make the shard that begins there; the fault, packed, if it has one."""
        error = make_shard(self._plan, start, lambda _: None)  # type: ignore[arg-type]
        return pack_error(error) if error is not None else None


@dataclass
class _Actor:
    """An actor, and what it is doing: a call and the shard that this is for, None for getting ready."""

    handle: Any
    call: Any
    shard: int | None = None
    ready: bool = False


class RayWorkers:
    """See `Crew`.

    A node that is lost takes its actors with it; their shards go to others, and others are started where there is room.
    """

    def __init__(self, address: str) -> None:
        require(find_spec("ray") is not None, NO_RAY)
        self._address = address
        self._actors: list[_Actor] = []
        self._key, self._packed, self._folder = 0, None, ""
        self._waiting_since = 0.0

    def begin(self, plan: ShardPlan) -> None:
        """See `Crew`."""
        import ray

        if not ray.is_initialized():
            self._connect()
        self._key, self._folder = self._key + 1, str(plan.folder)
        self._packed = ray.put(pack(plan))
        self._waiting_since = time.monotonic()
        for actor in self._actors:
            self._prepare(actor)
        wanted = min(max(1, int(ray.cluster_resources().get("CPU", 1))), len(plan.starts))
        while len(self._actors) < wanted:
            self._start()

    def free(self) -> int:
        """See `Crew`."""
        return sum(actor.ready and actor.call is None for actor in self._actors)

    def give(self, start: int) -> None:
        """See `Crew`."""
        actor = next(actor for actor in self._actors if actor.ready and actor.call is None)
        actor.shard, actor.call = start, actor.handle.make.remote(start)

    def reports(self, seconds: float) -> Iterator[Report]:
        """See `Crew`."""
        import ray

        deaths = ray.exceptions
        by_call = {actor.call: actor for actor in self._actors if actor.call is not None}
        ended, _ = ray.wait(list(by_call), num_returns=1, timeout=seconds)
        for call in ended:
            actor = by_call[call]
            shard, actor.call, actor.shard = actor.shard, None, None
            try:
                answer = ray.get(call)
            except (deaths.RayActorError, deaths.WorkerCrashedError, deaths.ObjectLostError) as error:
                yield from self._replaced(actor, shard, error)
            except deaths.RayTaskError as error:  # such as a package that is missing there
                raise ComputeError(f"a worker of Ray cannot begin: {error.cause}") from error
            else:
                if shard is None and answer is not None:
                    raise ComputeError(answer)
                actor.ready = True
                if shard is not None:
                    yield Report(shard, finished=answer is None, error=unpack(answer) if answer is not None else None)
        self._require_workers()

    def stop(self) -> None:
        """See `Crew`."""
        import ray

        for actor in self._actors:
            ray.kill(actor.handle)
        self._actors.clear()

    def _connect(self) -> None:
        import ray

        address = self._address or cluster_address()
        options: dict[str, Any] = {"logging_level": "warning"}
        try:
            if not address:  # one of this process alone, which ends with it
                ray.init(object_store_memory=OBJECT_STORE, include_dashboard=False, **options)
            elif answers(address):  # Ray itself would try for minutes
                ray.init(address=address, **options)
            else:
                raise ConnectionError("nobody answers there")
        except (ConnectionError, OSError, ValueError, RuntimeError) as error:
            raise ComputeError(
                f"Ray at {address or 'this machine'}: {error}; `comus cluster status` says what runs here, and "
                "`comus cluster up` starts it"
            ) from error

    def _start(self) -> None:
        import ray

        gpus = 1 if ray.cluster_resources().get("GPU") else 0
        variables = worker_variables()
        maker = ray.remote(ShardMaker).options(
            num_cpus=1,
            num_gpus=gpus,
            max_restarts=0,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": variables},
        )
        actor = _Actor(maker.remote(comus_core.__version__), None)
        self._actors.append(actor)
        self._prepare(actor)

    def _prepare(self, actor: _Actor) -> None:
        """Let an actor take the plan; it is given shards when it has answered."""
        actor.ready, actor.shard = False, None
        actor.call = actor.handle.begin.remote(self._key, self._packed, self._folder)

    def _replaced(self, actor: _Actor, shard: int | None, error: Exception) -> Iterator[Report]:
        self._actors.remove(actor)
        self._start()
        if shard is not None:
            words = next(iter(str(error).splitlines()), "")
            yield Report(shard, death=f"Ray: {type(error).__name__}: {words}")

    def _require_workers(self) -> None:
        if any(actor.ready for actor in self._actors):
            self._waiting_since = time.monotonic()
        elif time.monotonic() - self._waiting_since > PATIENCE:
            raise ComputeError(
                f"no worker of the Ray cluster is ready after {PATIENCE:.0f} s: other work takes its processors, or "
                "its nodes are gone; see `comus cluster status`"
            )


def worker_variables() -> dict[str, str]:
    """The environment of an actor; Ray shows it to whoever reaches the cluster, so that no token is in it."""
    ours = {n: v for n, v in without_login(os.environ).items() if n.startswith("COMUS_")}
    return thread_variables() | ours | {"PYTHONPATH": str(Path(comus_core.__file__).resolve().parents[1])}


def _node() -> str:
    import ray

    return str(ray.util.get_node_ip_address())

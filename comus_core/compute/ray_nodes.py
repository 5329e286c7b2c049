"""Nodes of a Ray cluster that this user started on this machine: started, listed, ended; none of anyone else's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from comus_core.errors import ComputeError
from comus_core.files.atomic import write_json
from comus_core.files.process_identity import ProcessIdentity, identify
from comus_core.files.user_folders import cache_folder
from comus_core.login import without_login
from comus_core.settings import require

NO_RAY = "compute ray: Ray is not installed: `pip install 'comus-explorer[ray]'`"
OBJECT_STORE = 256 << 20  # bytes: results go to files, only plans of shards go through it
START_SECONDS = 90.0  # a busy machine takes this long to start a node
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class RayNode:
    """A node that was started here.

    Attributes:
        process: `ray start --block`, which ends its node when it ends.
        address: of the cluster, HOST:PORT.
        head: whether the cluster begins with it.
        cpus: workers that it takes.
    """

    process: ProcessIdentity
    address: str
    head: bool
    cpus: float

    @property
    def lives(self) -> bool:
        """Whether its process is there."""
        return identify(self.process.pid) == self.process


def list_nodes() -> list[RayNode]:
    """The nodes started on this machine by this user that still live."""
    try:
        rows = json.loads(_state_file().read_text())
        nodes = [RayNode(**{**row, "process": ProcessIdentity(**row["process"])}) for row in rows]
    except (OSError, ValueError, TypeError, KeyError):  # none was started, or by another version
        return []
    return [node for node in nodes if node.lives]


def cluster_address() -> str:
    """The address of the cluster that `start_nodes` began or joined here; empty if there is none."""
    return next((node.address for node in list_nodes()), "")


def start_nodes(
    count: int = 1, *, cpus: float = 1, address: str = "", host: str = "127.0.0.1", port: int = 6379
) -> list[RayNode]:
    """Start nodes on this machine: a cluster of their own, or more of the cluster at `address`.

    Args:
        count: nodes.
        cpus: workers of each.
        address: HOST:PORT of a cluster to join.
        host: of a new cluster, as other machines see it.
        port: of a new cluster. Whoever reaches it can run code here: use a private network's.

    Raises:
        SettingsError: Ray is not installed.
        ComputeError: a cluster was started here already, or a node does not start; names its log.
    """
    require(find_spec("ray") is not None, NO_RAY)
    known = list_nodes()
    if known and not address:
        raise ComputeError(f"a Ray cluster runs here already at {known[0].address}: `comus cluster down` ends it")
    started: list[RayNode] = []
    if not address and answers(f"{host}:{port}"):
        raise ComputeError(f"another program listens at {host}:{port}: choose another --port")
    try:
        for _ in range(count):
            head = not address and not started
            started.append(_start_node(address or f"{host}:{port}", head, cpus))
            _remember([*known, *started])
    except BaseException:
        stop_nodes(started)
        raise
    return started


def stop_nodes(nodes: list[RayNode] | None = None) -> int:
    """End nodes that were started here, all of them by default; how many lived."""
    ending = [node for node in (list_nodes() if nodes is None else nodes) if node.lives]
    for node in reversed(ending):  # the head last
        with suppress(ProcessLookupError, PermissionError):
            os.kill(node.process.pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while any(node.lives for node in ending) and time.monotonic() < end:
        time.sleep(0.1)
    for node in ending:  # each leads a session of its own: what is left of it goes too
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(node.process.pid, signal.SIGKILL)
    _remember(list_nodes())
    return len(ending)


def _start_node(address: str, head: bool, cpus: float) -> RayNode:
    host, _, port = address.rpartition(":")
    require(bool(host) and port.isdecimal(), f"address {address!r}: write HOST:PORT, such as 10.0.0.1:6379")
    where = (
        ["--head", f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false"]
        if head
        else [f"--address={address}"]
    )
    if not head and host == "127.0.0.1":
        where.append("--node-ip-address=127.0.0.1")
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", *where]
    command += [f"--num-cpus={cpus:g}", f"--object-store-memory={OBJECT_STORE}"]
    log = _state_file().with_name(f"ray-{time.time_ns()}.log")
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=without_login(os.environ),
        )
    process, end = identify(child.pid), time.monotonic() + START_SECONDS
    while process is not None and child.poll() is None and time.monotonic() < end:
        if "Ray runtime started" in log.read_text(errors="replace"):
            return RayNode(process, address, head, cpus)
        time.sleep(0.2)
    child.kill()
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if "Error" in line), "".join(lines[-1:]))
    raise ComputeError(f"a node of Ray does not start at {address}: {said} (see {log})")


def answers(address: str) -> bool:
    """Whether a program listens at HOST:PORT."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except (OSError, ValueError):  # nobody, or no port
        return False


def _remember(nodes: list[RayNode]) -> None:
    write_json(_state_file(), [asdict(node) for node in nodes])


def _state_file() -> Path:
    folder = cache_folder() / "comus" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "nodes.json"

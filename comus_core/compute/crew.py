"""What does the shards of a stage: a crew of workers, in processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from comus_core.workspace.shards import ShardPlan


@dataclass(frozen=True)
class Report:
    """What a crew says of a shard.

    Attributes:
        start: the shard, by where it begins.
        done: how many of its ids are done.
        finished: whether its file is there.
        error: what went wrong in it.
        death: how its worker ended, where it did without an answer: the shard is to be given to another.
    """

    start: int
    done: int = 0
    finished: bool = False
    error: BaseException | None = None
    death: str = ""


class Crew(Protocol):
    """Workers that each make one shard at a time; one that dies is replaced."""

    def begin(self, plan: ShardPlan) -> None:
        """Be ready for the shards of a plan; workers that are not there yet start.

        Raises:
            ComputeError: they cannot.
        """

    def free(self) -> int:
        """How many shards can be given now."""

    def give(self, start: int) -> None:
        """Let a free worker make the shard that begins there."""

    def reports(self, seconds: float) -> Iterator[Report]:
        """What has happened, after at most so many seconds.

        Raises:
            ComputeError: no worker is left and none can be started.
        """

    def stop(self) -> None:
        """End all workers at once; the next plan starts others."""

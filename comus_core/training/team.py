"""The processes that train one network together, as `torchrun` starts them; mostly there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class Team:
    """This process's place: `rank` of `world`."""

    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def share(self, network: nn.Module, device: str) -> nn.Module:
        """The network as it is trained: with several processes gradients are averaged, batch norm too on GPUs.

        Batch norm is converted before the wrapping: the other way round (as in the reference) leaves the wrapper with
        the old layers.
        """
        if self.world == 1:
            return network
        if device.startswith("cuda"):
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
            return nn.parallel.DistributedDataParallel(network, device_ids=[torch.device(device)])
        return nn.parallel.DistributedDataParallel(network)

    def mean(self, value: Tensor) -> Tensor:
        """The average of a number over all processes."""
        if self.world > 1:
            distributed.all_reduce(value)
            value = value / self.world
        return value

    def wait(self) -> None:
        """Until every process has come so far."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def joined(device: str) -> Iterator[tuple[Team, str]]:
    """The team that `torchrun`'s environment names, joined for as long as the block lasts, and this process's device.

    Without `torchrun` it is a team of one. On a machine with several GPUs each process takes the one of its number.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Team(), device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Team(distributed.get_rank(), world), device
    finally:
        distributed.destroy_process_group()

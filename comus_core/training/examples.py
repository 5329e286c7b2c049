"""Images with their training masks, and the batches of every step: which, in what order, from which random numbers.

The batch of a step depends on seed, round, epoch and step alone, so that a killed training goes on with the very
batches it would have seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from comus_core.training.crops import training_crop
from comus_core.training.mixing import mixed
from comus_core.training.settings import CACHE_BYTES, OptimisationSettings
from comus_core.training.team import Team
from comus_core.types import ImageId, IntArray

AHEAD = 3  # batches prepared before they are needed
THREADS = 2  # decoding and resizing free the GIL; more would take the cores that train


@dataclass
class Examples:
    """Images and masks by id, each decoded once while there is room.

    Attributes:
        image_ids: (n,) in a fixed order.
        read: id -> (H, W, 3) image and (H, W) mask of the same size; for soft labels (C + 1, h, w) planes too.
        cache_bytes: how much to hold; what does not fit is decoded each time.
    """

    image_ids: Sequence[ImageId]
    read: Callable[[ImageId], tuple[NDArray[Any], ...]]
    cache_bytes: int = CACHE_BYTES
    _held: dict[ImageId, tuple[NDArray[Any], ...]] = field(default_factory=dict)
    _size: int = 0
    _lock: Lock = field(default_factory=Lock)

    def __len__(self) -> int:
        return len(self.image_ids)

    def get(self, image_id: ImageId) -> tuple[NDArray[Any], ...]:
        """What `read` gives, from memory if it is held."""
        held = self._held.get(image_id)
        if held is not None:
            return held
        read = self.read(image_id)
        size = sum(part.nbytes for part in read)
        with self._lock:
            if image_id not in self._held and self._size + size <= self.cache_bytes:
                self._held[image_id] = read
                self._size += size
        return read


def steps_per_epoch(images: int, batch: int, replicas: int = 1) -> int:
    """Whole batches in the images; at least 1.

    As in the reference the images are dealt out evenly to `replicas`, some twice where they do not divide, and each
    replica drops its last, incomplete part of a batch (method 1.6: 189 steps for 10,582 images).
    """
    return max(1, -(-images // replicas) // (batch // replicas))


def order_of_epoch(images: int, seed: int, number: int, epoch: int) -> np.ndarray:
    """(n,) positions of the images in an epoch of round `number`, shuffled anew in each."""
    return np.random.default_rng([seed, number, epoch]).permutation(images)


@dataclass(frozen=True)
class BatchPlan:
    """Which batches of a round this process needs.

    Attributes:
        seed: of the training.
        number: of the round.
        steps: of the whole round.
        first_step: 0, or where a checkpoint stands.
        team: the processes that train together; each takes every `world`-th example of a batch, from its rank on.
        ignore: the index of pixels without a label, which are pasted nowhere; −1 is none.
    """

    seed: int
    number: int
    steps: int
    first_step: int = 0
    team: Team = field(default_factory=Team)
    ignore: int = -1


def batches(
    examples: Examples, settings: OptimisationSettings, plan: BatchPlan
) -> Generator[tuple[Tensor, ...], None, None]:
    """The batches of the steps from `plan.first_step` to `plan.steps`, prepared ahead by threads.

    Of n examples, fewer than a batch are repeated; `plan` says of which round and steps, and for which process.

    Yields:
        (b, 3, crop, crop) uint8 and (b, crop, crop) int64; for soft labels (b, C + 1, crop, crop) uint8 as well.
    """
    per_epoch = steps_per_epoch(len(examples), settings.batch, settings.replicas)

    def example(epoch: int, place: int, order: IntArray) -> tuple[Tensor, ...]:
        rng = np.random.default_rng([plan.seed, plan.number, epoch, place])

        def crop(k: int) -> tuple[Tensor, ...]:
            image, mask, *planes = examples.get(examples.image_ids[order[k % len(order)]])
            return training_crop(image, mask, settings, rng, *planes)

        own = crop(place)
        if settings.mix and rng.random() < settings.mix:
            return mixed(own, crop(place + 1), plan.ignore, rng)
        return own

    def begin(pool: ThreadPoolExecutor, step: int) -> list[Future[tuple[Tensor, ...]]]:
        epoch, start = step // per_epoch, step % per_epoch * settings.batch
        order = order_of_epoch(len(examples), plan.seed, plan.number, epoch)
        places = range(start + plan.team.rank, start + settings.batch, plan.team.world)
        return [pool.submit(example, epoch, place, order) for place in places]

    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[list[Future[tuple[Tensor, ...]]]] = deque()
        try:
            begun = plan.first_step
            for step in range(plan.first_step, plan.steps):
                while begun < min(plan.steps, step + AHEAD):
                    waiting.append(begin(pool, begun))
                    begun += 1
                parts = zip(*(future.result() for future in waiting.popleft()), strict=True)
                yield tuple(torch.stack(part) for part in parts)
        finally:
            for futures in waiting:
                for future in futures:
                    future.cancel()

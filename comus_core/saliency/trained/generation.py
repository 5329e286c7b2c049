"""One generation of our own detector: a network trained on images and maps, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from comus_core.saliency.trained.augmentation import drawn_views, in_other_light, seen
from comus_core.saliency.trained.losses import f_loss, reached
from comus_core.saliency.trained.network import SaliencyNetwork
from comus_core.saliency.trained.recipe import NetworkSettings, OptimiserSettings

WARM_UP = 0.05  # share of the steps over which the learning rate rises

Bytes = NDArray[np.uint8]
OnStep = Callable[[int, float], None]  # step, loss
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """What is learned from: `pixels` (n, s, s, 3) RGB and `maps` (n, 1, h, w), 255 where something is salient."""

    pixels: Bytes
    maps: Bytes

    def __len__(self) -> int:
        return len(self.pixels)


class Generation:
    """A network, its optimiser and where its training stands; `run_epoch` is the work of one epoch."""

    def __init__(
        self, examples: int, network: NetworkSettings, settings: OptimiserSettings, seed: int, device: str
    ) -> None:
        self.side, self.epochs, self.settings = network.side, network.epochs, settings
        self.seed, self.device, self.epoch = seed, device, 0
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
            torch.manual_seed(seed)
            self.network = SaliencyNetwork()
        self.network = self.network.to(memory_format=torch.channels_last).to(device)
        self.per_epoch = math.ceil(examples / settings.batch)
        decay = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decay, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate)

    def run_epoch(self, examples: Examples, on_step: OnStep) -> float:
        """One pass over the examples, in an order that the seed and the epoch decide; the mean loss."""
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(examples))
        order = np.resize(order, self.per_epoch * self.settings.batch)  # the last batch is filled from the first
        random = torch.Generator().manual_seed(self.seed * 1000 + self.epoch)
        self.network.train()
        total, batch = 0.0, self.settings.batch
        for number in range(self.per_epoch):
            step = self.epoch * self.per_epoch + number
            for group in self.optimiser.param_groups:
                group["lr"] = rate(self.settings.learning_rate, step, self.per_epoch * self.epochs)
            loss = self._step(examples, order[number * batch : (number + 1) * batch], random)
            total += loss
            on_step(step + 1, loss)
        self.epoch += 1
        return total / self.per_epoch

    def saved(self) -> dict[str, Any]:
        """What `restore` needs to go on after this epoch."""
        network, optimiser = self.network.state_dict(), self.optimiser.state_dict()
        return {"epoch": self.epoch, "network": network, "optimiser": optimiser}

    def restore(self, saved: dict[str, Any] | None) -> None:
        """Go on where `saved` stands; None is the beginning."""
        if saved is None:
            return
        self.epoch = saved["epoch"]
        self.network.load_state_dict(saved["network"])
        self.optimiser.load_state_dict(saved["optimiser"])

    def _step(self, examples: Examples, rows: Rows, random: torch.Generator) -> float:
        views = drawn_views(len(rows), self.settings.crop, random)
        pixels = torch.from_numpy(examples.pixels[rows]).permute(0, 3, 1, 2).float()
        maps = torch.from_numpy(examples.maps[rows]).float() / 255
        pixels = in_other_light(seen(pixels, views, self.side), self.settings.jitter, random)
        targets = seen(maps, views, self.side // 2).to(self.device)
        pixels = pixels.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(
            torch.device(self.device).type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"
        ):
            logits = self.network(pixels).float()
        logits = functional.interpolate(logits, targets.shape[2:], mode="bilinear", align_corners=False)
        loss = f_loss(
            reached(logits, targets).flatten(0, 1), (targets > 0.5).float().flatten(0, 1), self.settings.beta2
        )
        self.optimiser.zero_grad(set_to_none=True)
        loss.mean().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(loss.mean().detach())


def rate(highest: float, step: int, steps: int) -> float:
    """The learning rate of a step: it rises in a line, then falls along a cosine."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return highest * (step + 1) / warm
    return highest * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

"""One step of the optimiser: forwards, backwards, and in smaller parts where memory runs out (method 1.6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from comus_core.errors import ComusError
from comus_core.training.checkpoint import State
from comus_core.training.convolution import FasterConvolutions
from comus_core.training.settings import OptimisationSettings
from comus_core.training.soft_labels import summed_loss
from comus_core.training.team import Team

POLY_POWER = 0.9


@dataclass(frozen=True)
class RoundSetup:
    """What one round trains with, beside network, images and settings.

    Attributes:
        number: 1 for the first.
        seed: of the training.
        ignore: the index of pixels without a label.
        folder: where the checkpoint lies.
        device: of the network.
        team: the processes that train together.
    """

    number: int
    seed: int
    ignore: int
    folder: Path
    device: str
    team: Team = field(default_factory=Team)


@dataclass(frozen=True)
class Stepper:
    """Takes the steps of a round.

    Attributes:
        network: as the team shares it; trained in place.
        optimiser: of its weights.
        setup: the round.
        state: where it stands; how many parts a batch is cut into changes where memory runs out.
        log: called with what a person should know.
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    setup: RoundSetup
    state: State
    log: Callable[[str], None]

    def step(self, batch: tuple[Tensor, ...], rate: float) -> float:
        """Take one step at a learning rate; return the mean loss of all processes' labelled pixels.

        Raises:
            ComusError: memory runs out even with two images at a time; the loss is no number.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self._gradients_that_fit(batch)
        self.optimiser.step()
        value = float(self.setup.team.mean(loss))
        if not math.isfinite(value):
            raise ComusError(
                f"round {self.setup.number}: the loss is {value} at step {self.state.step + 1} (learning rate "
                f"{rate:.2g}); the last good checkpoint stays in {self.setup.folder}; lower optimisation.learning_rate "
                "and train again"
            )
        return value

    def _gradients_that_fit(self, batch: tuple[Tensor, ...]) -> Tensor:
        """The gradients of a batch; where memory runs out, it is halved and the gradients of its parts added up."""
        state, images = self.state, len(batch[0])
        while True:
            self.optimiser.zero_grad(set_to_none=True)
            try:
                return add_gradients(self.network, batch, self.setup, state.parts)
            except (torch.OutOfMemoryError, MemoryError) as error:
                if images // (2 * state.parts) < 2:  # batch norm needs two
                    raise ComusError(
                        f"round {self.setup.number}: out of memory even with {images // state.parts} images at a time; "
                        "choose a smaller optimisation.crop or network.backbone"
                    ) from error
                state.parts *= 2
                begin = f"out of memory at step {state.step + 1}"
                state.notes.append(f"{begin}: from here on each batch is processed in {state.parts} parts")
                self.log(state.notes[-1])
            if self.setup.device.startswith("cuda"):
                torch.cuda.empty_cache()


def add_gradients(network: nn.Module, batch: tuple[Tensor, ...], setup: RoundSetup, parts: int) -> Tensor:
    """The mean loss over the labelled pixels of all processes' batches, its gradients added to the parameters."""
    labelled = setup.team.mean((batch[1] != setup.ignore).sum().float().to(setup.device)).clamp(min=1)
    total = torch.zeros((), device=setup.device)
    for chunk in zip(*(tensors.chunk(parts) for tensors in batch), strict=True):
        pixels, labels, *planes = (part.to(setup.device, non_blocking=True) for part in chunk)
        with mixed_precision(setup.device), FasterConvolutions():
            scores = network(pixels)
        loss = summed_loss(scores.float(), labels, setup.ignore, *planes) / labelled
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    return total


def mixed_precision(device: str) -> AbstractContextManager[object]:
    """bfloat16 where the GPU has it; the CPU here computes it more slowly than float32."""
    if device.startswith("cuda") and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def learning_rate(settings: OptimisationSettings, step: int, steps: int) -> float:
    """The rate of a step, 0 for the first of `steps`."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return float(settings.learning_rate * (1 - step / steps) ** POLY_POWER)


def new_optimiser(network: nn.Module, settings: OptimisationSettings) -> torch.optim.Optimizer:
    """The optimiser of a network's weights."""
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)

"""The training loop of one round: steps, checkpoints, and what it reports (method 1.6)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from comus_core.errors import Cancelled, ComusError
from comus_core.training import checkpoint
from comus_core.training.checkpoint import State
from comus_core.training.convolution import FasterConvolutions
from comus_core.training.examples import Examples, batches, steps_per_epoch
from comus_core.training.preview_runner import Looking
from comus_core.training.settings import TrainingSettings
from comus_core.training.soft_labels import summed_loss
from comus_core.training.team import Team
from comus_core.types import OnProgress, Progress, no_progress

POLY_POWER = 0.9
REPORT_EVERY = 1.0  # seconds


@dataclass(frozen=True)
class Round:
    """What one round trains with, beside the network.

    Attributes:
        number: 1 for the first.
        seed: of the training.
        ignore: the index of pixels without a label.
        folder: where the checkpoint lies.
        device: of the network.
    """

    number: int
    seed: int
    ignore: int
    folder: Path
    device: str


def train_round(
    network: nn.Module,
    examples: Examples,
    settings: TrainingSettings,
    this: Round,
    *,
    team: Team | None = None,
    on_progress: OnProgress = no_progress,
    on_report: Callable[[list[dict[str, float]]], None] = lambda _: None,
    look: Looking | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Tensor], State]:
    """Train to the round's last step, from the checkpoint in its folder if there is one.

    Args:
        network: fresh, on the device; trained in place.
        examples: images and masks.
        settings: optimiser, schedule, batch, epochs.
        this: which round, and where.
        team: the processes that train together; None is this one alone.
        on_progress: called after every step; raising `Cancelled` there keeps a checkpoint.
        on_report: told about once a second of the steps since: step, loss, rate, images_per_second of each.
        look: shown the weights that would be kept, from time to time; given to the leading process alone.
        log: told what a person should know.

    Returns:
        The weights to keep by name (the moving average if there is one), and the state at the end.

    Raises:
        ComusError: no image; the loss is no longer a number, naming step and rate.
    """
    team = team or Team()
    if not len(examples):
        raise ComusError("there is no image to train on: no proposal was kept; lower the filter")
    steps = settings.epochs_of(this.number) * steps_per_epoch(len(examples), settings.batch, settings.replicas)
    optimiser = _optimiser(network, settings)
    torch.manual_seed(this.seed + 1000 * this.number + team.rank)
    state = checkpoint.load(this.folder, network, optimiser, this.device, log)
    if settings.ema and not state.averaged:
        state.averaged = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    shared = team.share(network, this.device)
    shared.train()
    place = (this.seed, this.number, state.step, steps, team.rank, team.world)
    stream = batches(examples, settings, *place, ignore=this.ignore)
    reports = _Reports(state.history, on_report)
    clock = time.perf_counter()
    stage = f"round {this.number}"
    on_progress(Progress(stage, state.step, steps))
    try:
        for batch in stream:
            rate = learning_rate(settings, state.step, steps)
            loss = _step(shared, optimiser, batch, rate, this, state, team, log)
            value = float(team.mean(loss))
            _require_number(value, state.step + 1, rate, this)
            _average(network, state, settings.ema)
            state.step += 1
            now = time.perf_counter()
            speed, clock = settings.batch / max(now - clock, 1e-9), now
            record = {"step": state.step, "loss": value, "rate": rate, "images_per_second": speed}
            reports.add(record, last=state.step == steps)
            if look is not None and look.is_due(state.step, steps):
                look(state.step, state.averaged or network.state_dict())
                clock = time.perf_counter()  # looking is no training: it does not count in images per second
            if state.step % settings.checkpoint_every == 0 and state.step < steps and team.leads:
                reports.tell()
                checkpoint.save(this.folder, state, network, optimiser)
            on_progress(Progress(stage, state.step, steps))
    except Cancelled:
        if team.leads:
            reports.tell()
            checkpoint.save(this.folder, state, network, optimiser)
        raise
    finally:
        stream.close()
    kept = state.averaged or network.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in kept.items()}, state


class _Reports:
    """Tells of the steps about once a second, and before each checkpoint: a kill leaves none untold that it knows.

    What the checkpoint knew at the beginning is told anew.
    """

    def __init__(self, history: list[dict[str, float]], on_report: Callable[[list[dict[str, float]]], None]) -> None:
        self.history, self.on_report, self.told, self.at = history, on_report, 0, 0.0
        self.tell()

    def add(self, record: dict[str, float], last: bool) -> None:
        """Add a step to the history; tell of it if it is time to, or if it is the last."""
        self.history.append(record)
        if last or time.perf_counter() - self.at >= REPORT_EVERY:
            self.tell()

    def tell(self) -> None:
        """Tell of the steps that were not told of yet."""
        if len(self.history) > self.told:
            self.on_report(self.history[self.told :])
        self.told, self.at = len(self.history), time.perf_counter()


def learning_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """The rate of a step, 0 for the first of `steps`."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return float(settings.learning_rate * (1 - step / steps) ** POLY_POWER)


def _optimiser(network: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    return kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _step(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, ...],
    rate: float,
    this: Round,
    state: State,
    team: Team,
    log: Callable[[str], None],
) -> Tensor:
    """One step of the optimiser; where memory runs out, the batch is halved and its gradients added up."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    while True:
        optimiser.zero_grad(set_to_none=True)
        try:
            loss = _gradients(network, batch, this, state.parts, team)
            break
        except (torch.OutOfMemoryError, MemoryError) as error:
            if len(batch[0]) // (2 * state.parts) < 2:  # batch norm needs two
                raise ComusError(
                    f"round {this.number}: memory ran out even with {len(batch[0]) // state.parts} images at a time: "
                    "choose a smaller crop or backbone"
                ) from error
            state.parts *= 2
            note = f"memory ran out at step {state.step + 1}: batches are done in {state.parts} parts from here on"
            state.notes.append(note)
            log(note)
        if this.device.startswith("cuda"):
            torch.cuda.empty_cache()
    optimiser.step()
    return loss


def _gradients(network: nn.Module, batch: tuple[Tensor, ...], this: Round, parts: int, team: Team) -> Tensor:
    """The mean loss over the labelled pixels of all processes' batches, its gradients added to the parameters."""
    labelled = team.mean((batch[1] != this.ignore).sum().float().to(this.device)).clamp(min=1)
    total = torch.zeros((), device=this.device)
    for chunk in zip(*(tensors.chunk(parts) for tensors in batch), strict=True):
        pixels, labels, *planes = (part.to(this.device, non_blocking=True) for part in chunk)
        with _mixed_precision(this.device), FasterConvolutions():
            scores = network(pixels)
        loss = summed_loss(scores.float(), labels, this.ignore, *planes) / labelled
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    return total


def _mixed_precision(device: str) -> AbstractContextManager[object]:
    """bfloat16 where the GPU has it; the CPU here computes it more slowly than float32."""
    if device.startswith("cuda") and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _require_number(loss: float, step: int, rate: float, this: Round) -> None:
    if not math.isfinite(loss):
        raise ComusError(
            f"round {this.number}: the loss is {loss} at step {step} (learning rate {rate:.2g}); the last good "
            f"checkpoint stays in {this.folder}; lower learning_rate and train again"
        )


@torch.no_grad()
def _average(network: nn.Module, state: State, decay: float) -> None:
    """Move the average a step towards the weights; counters and such are taken over."""
    if not decay:
        return
    warm = min(decay, (1 + state.step) / (10 + state.step))  # early weights are forgotten sooner
    now = network.state_dict()
    weights = [name for name, tensor in now.items() if tensor.is_floating_point()]
    move = get_ema_multi_avg_fn(warm)  # type: ignore[no-untyped-call]
    move([state.averaged[name] for name in weights], [now[name] for name in weights], state.step)
    for name in now.keys() - weights:
        state.averaged[name].copy_(now[name])

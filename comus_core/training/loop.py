"""The training loop of one round: steps, checkpoints, and what it reports (method 1.6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from comus_core.errors import Cancelled, ComusError
from comus_core.training import checkpoint
from comus_core.training.checkpoint import State
from comus_core.training.examples import BatchPlan, Examples, batches, steps_per_epoch
from comus_core.training.preview_runner import PreviewRunner
from comus_core.training.settings import TrainingSettings
from comus_core.training.step import RoundSetup, Stepper, learning_rate, new_optimiser
from comus_core.types import OnProgress, Progress, no_progress

REPORT_EVERY = 1.0  # seconds

OnReport = Callable[[list[dict[str, float]]], None]


def train_round(
    network: nn.Module,
    examples: Examples,
    settings: TrainingSettings,
    setup: RoundSetup,
    *,
    on_progress: OnProgress = no_progress,
    on_report: OnReport = lambda _: None,
    previews: PreviewRunner | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Tensor], State]:
    """Train to the round's last step, from the checkpoint in its folder if there is one.

    Args:
        network: fresh, on the device; trained in place.
        examples: images and masks.
        settings: optimisation, epochs, checkpoints.
        setup: which round, and where.
        on_progress: called after every step; raising `Cancelled` there keeps a checkpoint.
        on_report: called about once a second with the steps since: step, loss, rate, images_per_second of each.
        previews: shown the weights that would be kept, from time to time; given to the leading process alone.
        log: called with what a person should know.

    Returns:
        The weights to keep by name (the moving average if there is one), and the state at the end.

    Raises:
        ComusError: no image; the loss is no longer a number, naming step and rate; memory runs out.
    """
    if not len(examples):
        raise ComusError("there is no image to train on: no proposal was kept; lower the filter")
    optimisation, stage = settings.optimisation, f"round {setup.number}"
    epoch = steps_per_epoch(len(examples), optimisation.batch, optimisation.replicas)
    steps = settings.epochs_of(setup.number) * epoch
    optimiser = new_optimiser(network, optimisation)
    torch.manual_seed(setup.seed + 1000 * setup.number + setup.team.rank)
    state = checkpoint.load(setup.folder, network, optimiser, setup.device, log)
    if optimisation.ema and not state.averaged:
        state.averaged = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    stepper = Stepper(setup.team.share(network, setup.device).train(), optimiser, setup, state, log)
    reports = Reports(state.history, on_report)

    def save() -> None:
        if setup.team.leads:
            reports.send()
            checkpoint.save(setup.folder, state, network, optimiser)

    plan = BatchPlan(setup.seed, setup.number, steps, state.step, setup.team, setup.ignore)
    on_progress(Progress(stage, state.step, steps))
    try:
        with closing(batches(examples, optimisation, plan)) as stream:
            clock = time.perf_counter()
            for batch in stream:
                rate = learning_rate(optimisation, state.step, steps)
                loss = stepper.step(batch, rate)
                move_average(network, state, optimisation.ema)
                state.step += 1
                now = time.perf_counter()
                speed, clock = optimisation.batch / max(now - clock, 1e-9), now
                record = {"step": state.step, "loss": loss, "rate": rate, "images_per_second": speed}
                reports.add(record, last=state.step == steps)
                if previews is not None and previews.is_due(state.step, steps):
                    previews.show(state.step, kept_weights(network, state))
                    clock = time.perf_counter()  # a preview is no training: it does not count in images per second
                if state.step % settings.checkpoint_every == 0 and state.step < steps:
                    save()
                on_progress(Progress(stage, state.step, steps))
    except Cancelled:
        save()
        raise
    weights = kept_weights(network, state)
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, state


class Reports:
    """Reports the steps about once a second, and before each checkpoint: a kill loses none that the checkpoint knows.

    What the checkpoint knew at the beginning is reported anew.
    """

    def __init__(self, history: list[dict[str, float]], on_report: OnReport) -> None:
        self.history, self.on_report, self.sent, self.sent_at = history, on_report, 0, 0.0
        self.send()

    def add(self, record: dict[str, float], last: bool) -> None:
        """Add a step to the history; report if it is time to, or if it is the last."""
        self.history.append(record)
        if last or time.perf_counter() - self.sent_at >= REPORT_EVERY:
            self.send()

    def send(self) -> None:
        """Report the steps that were not reported yet."""
        if len(self.history) > self.sent:
            self.on_report(self.history[self.sent :])
        self.sent, self.sent_at = len(self.history), time.perf_counter()


def kept_weights(network: nn.Module, state: State) -> Mapping[str, Tensor]:
    """The moving average of the weights, or the weights themselves where there is none."""
    return state.averaged or network.state_dict()


@torch.no_grad()
def move_average(network: nn.Module, state: State, decay: float) -> None:
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

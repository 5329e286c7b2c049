"""`comus train`: a segmenter from a run's pseudo-masks, round by round."""

from __future__ import annotations

import sys
from typing import Any, get_args

import click

from comus_core.cli.progress import ProgressPrinter, duration
from comus_core.cli.run import DEVICE, JSON, WORKSPACE, give, queue
from comus_core.files.output_file import OutputFile
from comus_core.peak_memory import peak_words
from comus_core.pipelines.model_selection import badge
from comus_core.settings import assigned, merge
from comus_core.training import (
    TRAINING_PRESETS,
    TrainingRequest,
    TrainingSettings,
    asked,
    make_training,
    what_was_asked,
)
from comus_core.training.settings import Backbone
from comus_core.workspace import open_workspace
from comus_core.workspace.trainings import Training


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--preset", default="cpu", show_default=True, metavar="NAME", help=f"{', '.join(TRAINING_PRESETS)}.")
@click.option("--rounds", type=int, metavar="N", help="1 trains the teacher alone, 2 a student of it, and so on.")
@click.option("--images", metavar="DATASET", help="What rounds after the first learn from; default: the run's images.")
@click.option("--eval", "scored_on", metavar="DATASET", help="What rounds are scored on; default: the run's images.")
@click.option("--backbone", metavar="NAME", help=f"{', '.join(get_args(Backbone))}.")
@click.option("--filter", "percent", type=float, metavar="P", help="Percent left out; default: as decided.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other, as learning_rate=1e-4.")
@click.option("--background", is_flag=True, help="Queue it as a job and return: see `comus jobs`.")
@click.option("--resume", is_flag=True, help="Go on with what this run was asked to train last.")
@WORKSPACE
@DEVICE
@JSON
def train(
    run_name: str,
    preset: str,
    background: bool,
    resume: bool,
    images: str | None,
    scored_on: str | None,
    percent: float | None,
    seed: int,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
    assignments: tuple[str, ...],
    **changes: Any,
) -> None:
    """Train a segmenter on the pseudo-masks of RUN.

    Killed or stopped, the same command goes on from the last checkpoint; `--resume` does so without the other options.
    """
    from comus_core.pipelines.train import train as train_rounds

    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if resume:
        settings, request = last_asked(place.trainings.of_run(run.id), run.id)
    else:
        settings = make_training(preset, **merge(changes, assigned(assignments)))
        request = TrainingRequest(images, scored_on, percent, seed)
    if background:
        if json_file is not None:
            raise click.UsageError("--json with --background: use `comus train RUN --resume --json FILE` afterwards")
        queue(place, "train", {"run": run.id, "dataset": run.config.dataset} | asked(settings, request), device)
        return
    printer = ProgressPrinter()
    told = 0

    def tell(training: Training) -> None:
        nonlocal told
        if not told:
            click.echo(f"training {training.id}; {badge(training.result['supervision'])}", err=True)
        for entry in training.result["rounds"][max(told - 1, 0) :]:
            printer.close()
            click.echo(round_line(entry), err=True)
        told = 1 + len(training.result["rounds"])

    options: dict[str, Any] = {
        "on_progress": printer,
        "on_training": tell,
        "log": lambda line: print(line, file=sys.stderr),
    }
    try:
        found = train_rounds(run, place, settings, request, device=device, **options)
    finally:
        printer.close()
    give(found.result, json_file)


def last_asked(trainings: list[Training], run_id: str) -> tuple[TrainingSettings, TrainingRequest]:
    """Settings and request of the training last touched.

    Raises:
        UsageError: there is none.
    """
    if not trainings:
        raise click.UsageError(f"--resume: run {run_id} was not trained yet; `comus train {run_id}` begins")
    return what_was_asked(trainings[0].settings)


def round_line(entry: dict[str, Any]) -> str:
    """One line on a round's score."""
    score = "no ground truth" if entry["miou"] is None else f"mIoU {entry['miou']:.2f} % ({entry['matching']})"
    memory = f", {peak_words(taken, entry['memory_at_most'])} of memory" if (taken := entry.get("memory")) else ""
    return f"round {entry['round']}: {score}, {duration(entry['seconds'])}{memory}"

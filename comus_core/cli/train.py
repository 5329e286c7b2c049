"""`comus train`: a segmenter from a run's pseudo-masks, round by round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click

from comus_core.cli.options import BACKGROUND, DEVICE, JSON, WORKSPACE
from comus_core.cli.progress import duration
from comus_core.cli.verb_command import Call
from comus_core.files.output_file import OutputFile
from comus_core.peak_memory import peak_words
from comus_core.pipelines.model_selection import badge
from comus_core.settings import assigned, merge
from comus_core.training import (
    TRAINING_PRESETS,
    TrainingRequest,
    TrainingSettings,
    make_training,
    what_was_asked,
)
from comus_core.training.settings import Backbone, TrainSettings
from comus_core.verbs import verb_named
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
@BACKGROUND
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
    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if resume:
        settings, request = last_asked(place.trainings.of_run(run.id), run.id)
    else:
        settings = make_training(preset, **merge(changes, assigned(assignments)))
        request = TrainingRequest(images, scored_on, percent, seed)
    values = TrainSettings(settings, request.images, request.scored_on, request.filter_percent, request.seed)
    call = Call(verb_named("train"), run, place, values, device, background, json_file)
    call.result({"on_training": _round_printer(), "log": lambda line: click.echo(line, err=True)})


def _round_printer() -> Callable[[Training], None]:
    """Prints the rounds of a training that are new since it was told last."""
    told = 0

    def tell(training: Training) -> None:
        nonlocal told
        if not told:
            click.echo(f"training {training.id}; {badge(training.result['supervision'])}", err=True)
        for entry in training.result["rounds"][max(told - 1, 0) :]:
            click.echo(round_line(entry), err=True)
        told = 1 + len(training.result["rounds"])

    return tell


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

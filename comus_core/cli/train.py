"""`comus train`: a segmenter from a run's pseudo-masks, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import click

from comus_core.cli.options import BACKGROUND, COMPUTE, DEVICE, JSON, WORKSPACE
from comus_core.cli.verb_command import Call
from comus_core.files.output_file import OutputFile
from comus_core.machine.peak_memory import peak_words
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.training_record import settings_of
from comus_core.settings import assigned, merge
from comus_core.text import duration
from comus_core.training import TRAINING_PRESETS, TrainSettings, make_training
from comus_core.training.settings import Backbone, TrainingSettings
from comus_core.verbs import verb_named
from comus_core.workspace import open_workspace
from comus_core.workspace.trainings import Training

# Options of every command that trains.
PRESET = click.option(
    "--preset", default="cpu", show_default=True, metavar="NAME", help=f"{', '.join(TRAINING_PRESETS)}."
)
IMAGES = click.option(
    "--images", metavar="DATASET", help="Data set that rounds after the first learn from; default: the run's own."
)
SCORED_ON = click.option("--eval", "scored_on", metavar="DATASET", help="Evaluation data set; default: the run's own.")
BACKBONE = click.option("--backbone", metavar="NAME", help=f"{', '.join(get_args(Backbone))}.")
FILTER = click.option(
    "--filter", "percent", type=float, metavar="P", help="Percent of each cluster left out; default: the run's filter."
)


@click.command()
@click.argument("run_name", metavar="RUN")
@PRESET
@click.option("--rounds", type=int, metavar="N", help="1: a teacher; 2: a student of it as well, and so on.")
@IMAGES
@SCORED_ON
@BACKBONE
@FILTER
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Seed of the training.")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting: optimisation.learning_rate=1e-4."
)
@BACKGROUND
@click.option("--resume", is_flag=True, help="Go on with the run's last training, with its settings.")
@WORKSPACE
@DEVICE
@COMPUTE
@JSON
def train(
    run_name: str,
    preset: str,
    rounds: int | None,
    images: str | None,
    scored_on: str | None,
    backbone: str | None,
    percent: float | None,
    seed: int,
    assignments: tuple[str, ...],
    background: bool,
    resume: bool,
    workspace: str | None,
    device: str,
    compute: str | None,
    json_file: OutputFile | None,
) -> None:
    """Train a segmenter on the pseudo-masks of RUN.

    After a stop or a crash, the same command goes on from the last checkpoint; `--resume` does so without the other
    options.
    """
    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if resume:
        settings = last_settings(place.trainings.of_run(run.id), run.id)
    else:
        training = training_settings(preset, rounds, backbone, assignments)
        settings = TrainSettings(training, images, scored_on, percent, seed)
    call = Call(verb_named("train"), run, place, settings, device, background, json_file, compute)
    call.result({"on_training": RoundPrinter(), "log": lambda line: click.echo(line, err=True)})


class RoundPrinter:
    """Prints the training when it begins, and a line on each round when it is done."""

    def __init__(self) -> None:
        self.begun, self.rounds = False, 0

    def __call__(self, training: Training) -> None:
        """Print what is new."""
        if not self.begun:
            click.echo(f"training {training.id}; {badge(training.result['supervision'])}", err=True)
        for entry in training.result["rounds"][self.rounds :]:
            click.echo(round_line(entry), err=True)
        self.begun, self.rounds = True, len(training.result["rounds"])


def training_settings(
    preset: str, rounds: int | None, backbone: str | None, assignments: tuple[str, ...]
) -> TrainingSettings:
    """The settings that a command line gives; the words of `--set` come last."""
    options = {"rounds": rounds, "network": {"backbone": backbone}}
    return make_training(preset, **merge(options, assigned(assignments)))


def last_settings(trainings: list[Training], run_id: str) -> TrainSettings:
    """The settings of the training last touched.

    Raises:
        UsageError: there is none.
    """
    if not trainings:
        raise click.UsageError(f"--resume: run {run_id} was not trained yet; `comus train {run_id}` begins")
    return settings_of(trainings[0])


def round_line(entry: Mapping[str, Any]) -> str:
    """One line on a round's score."""
    score = "no ground truth" if entry["miou"] is None else f"mIoU {entry['miou']:.2f} % ({entry['matching']})"
    memory = f", {peak_words(taken, entry['memory_at_most'])} of memory" if (taken := entry.get("memory")) else ""
    return f"round {entry['round']}: {score}, {duration(entry['seconds'])}{memory}"

"""`comus ablate`: what each step of the method, and each switch of the training, is worth."""

from __future__ import annotations

import sys
from typing import get_args

import click

from comus_core.cli.options import BACKGROUND, DEVICE, JSON, WORKSPACE
from comus_core.cli.progress import duration
from comus_core.cli.tables import print_ablation
from comus_core.cli.verb_command import Call
from comus_core.files.output_file import OutputFile
from comus_core.pipelines.ablation_rows import Ablation
from comus_core.pipelines.model_selection import badge
from comus_core.settings import assigned
from comus_core.text import size
from comus_core.training import TRAINING_PRESETS, TrainingRequest, make_training
from comus_core.training.settings import AblationSettings, Backbone
from comus_core.verbs import verb_named
from comus_core.verbs.result_lines import ablation_row_line
from comus_core.workspace import Run, Workspace, open_workspace


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--preset", default="cpu", show_default=True, metavar="NAME", help=f"{', '.join(TRAINING_PRESETS)}.")
@click.option("--rows", multiple=True, metavar="NAME", help="Only this row; repeatable; default: all.")
@click.option("--images", metavar="DATASET", help="What rounds after the first learn from; default: the run's images.")
@click.option("--eval", "scored_on", metavar="DATASET", help="Evaluation data set; default: the run's own images.")
@click.option("--backbone", metavar="NAME", help=f"{', '.join(get_args(Backbone))}.")
@click.option("--filter", "percent", type=float, metavar="P", help="Percent left out; default: as decided.")
@click.option(
    "--seed", "seeds", type=int, multiple=True, default=(0,), show_default=True, metavar="S", help="Repeatable."
)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other, as epochs=4.")
@BACKGROUND
@WORKSPACE
@DEVICE
@JSON
def ablate(
    run_name: str,
    preset: str,
    rows: tuple[str, ...],
    images: str | None,
    scored_on: str | None,
    backbone: str | None,
    percent: float | None,
    seeds: tuple[int, ...],
    assignments: tuple[str, ...],
    background: bool,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
) -> None:
    """Take the method apart: the table of what each step and switch is worth on RUN.

    Rows: k-means or spectral clusters; round 1 with and without the filter; round 2; and each switch of the training
    turned the other way. What rows share is computed once, and what is there is not computed again: the same command
    goes on after a stop.
    """
    from comus_core.pipelines.ablate import require_truth

    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    settings = make_training(preset, backbone=backbone, **assigned(assignments))
    wanted = Ablation(settings, TrainingRequest(images, scored_on, percent), seeds, rows)
    require_truth(run, place, wanted)
    values = AblationSettings(settings, images, scored_on, percent, seeds, rows)
    call = Call(verb_named("ablate"), run, place, values, device, background, json_file)
    if not background:
        _announce(place, run, wanted, device)
    result = call.result(
        {
            "on_row": lambda row: click.echo(ablation_row_line(row), err=True),
            "log": lambda line: click.echo(line, err=True),
        }
    )
    if result is not None:
        print_ablation(result)


def _announce(place: Workspace, run: Run, wanted: Ablation, device: str) -> None:
    """Say, before long work, how many rows there are and what they will cost."""
    from comus_core.device import choose_device
    from comus_core.pipelines.ablation_cost import cost_for

    cost = cost_for(run, wanted, place, choose_device(device))
    basis = "speeds of earlier trainings here" if cost.measured else "arithmetic; the first training measures"
    print(
        f"{len(wanted.chosen)} rows; {badge(run.provenance['supervision'])}\n"
        f"estimate: {duration(cost.total)} if nothing is reused ({basis}), {size(cost.memory_bytes)} of memory",
        file=sys.stderr,
    )

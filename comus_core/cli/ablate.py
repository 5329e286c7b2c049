"""`comus ablate`: what each step of the method, and each switch of the training, contributes."""

from __future__ import annotations

import sys

import click

from comus_core.cli.options import BACKGROUND, COMPUTE, DEVICE, JSON, WORKSPACE
from comus_core.cli.tables import print_ablation
from comus_core.cli.train import BACKBONE, FILTER, IMAGES, PRESET, SCORED_ON, training_settings
from comus_core.cli.verb_command import Call
from comus_core.files.output_file import OutputFile
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.pipelines.model_selection import badge
from comus_core.text import duration, size
from comus_core.verbs import verb_named
from comus_core.verbs.result_lines import ablation_row_line
from comus_core.workspace import Run, Workspace, open_workspace


@click.command()
@click.argument("run_name", metavar="RUN")
@PRESET
@click.option("--rows", multiple=True, metavar="NAME", help="Only this row; repeatable; default: all.")
@IMAGES
@SCORED_ON
@BACKBONE
@FILTER
@click.option(
    "--seed",
    "seeds",
    type=int,
    multiple=True,
    default=(0,),
    show_default=True,
    metavar="S",
    help="Seed of the trainings; repeatable.",
)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting of a training: epochs=4.")
@BACKGROUND
@WORKSPACE
@DEVICE
@COMPUTE
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
    compute: str | None,
    json_file: OutputFile | None,
) -> None:
    """Measure what each step of the method and each switch of the training contributes on RUN.

    The rows are k-means and spectral clusters, round 1 with and without the filter, round 2, other clusters of the
    same features, and each switch of the training turned the other way. What rows have in common is computed once.
    After a stop, the same command goes on.
    """
    from comus_core.pipelines.ablate import require_truth

    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    training = training_settings(preset, None, backbone, assignments)
    settings = AblationSettings(training, images, scored_on, percent, seeds, rows)
    require_truth(run, place, settings)
    call = Call(verb_named("ablate"), run, place, settings, device, background, json_file, compute)
    if not background:
        _announce(place, run, settings, device)
    result = call.result(
        {
            "on_row": lambda row: click.echo(ablation_row_line(row), err=True),
            "log": lambda line: click.echo(line, err=True),
        }
    )
    if result is not None:
        print_ablation(result)


def _announce(place: Workspace, run: Run, settings: AblationSettings, device: str) -> None:
    """Say, before long work, how many rows there are and what they will cost."""
    from comus_core.machine.device import choose_device
    from comus_core.pipelines.ablation_cost import cost_for

    cost = cost_for(run, settings, place, choose_device(device))
    basis = "measured in earlier trainings" if cost.measured else "calculated; the first training will measure"
    print(
        f"{len(settings.chosen)} rows; {badge(run.provenance['supervision'])}\n"
        f"estimate: {duration(cost.total)} if nothing is reused ({basis}), {size(cost.memory_bytes)} of memory",
        file=sys.stderr,
    )

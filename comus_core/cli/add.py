"""`comus add`: new images for the clusters of a run."""

from __future__ import annotations

from typing import Any

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import DEVICE, JSON, WORKSPACE, give
from comus_core.cli.runs import RUN, run_line
from comus_core.cli.tables import print_result
from comus_core.config import Assign
from comus_core.files.output_file import OutputFile
from comus_core.workspace import open_workspace


@click.command()
@RUN
@click.argument("dataset")
@click.option("--assign", metavar="NAME", help="nystrom (default where clusters are spectral) or nearest.")
@click.option("--background", is_flag=True, help="Queue it as a job and return: see `comus jobs`.")
@WORKSPACE
@DEVICE
@JSON
def add(
    run_name: str,
    dataset: str,
    assign: Assign | None,
    background: bool,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
) -> None:
    """Give the images of DATASET the clusters of RUN, as a run beside it with its names and decisions."""
    from comus_core.datasets.dataset import absolute
    from comus_core.jobs import ensure_supervisor, submit
    from comus_core.pipelines.add_images import add_images
    from comus_core.pipelines.verb_settings import AddSettings

    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if background:
        settings: dict[str, Any] = {"run": run.id, "dataset": absolute(dataset), "assign": assign}
        job = submit(place, "add", settings, device)
        ensure_supervisor(place)
        click.echo(f"job {job.id} is queued: `comus jobs log {job.id} --follow`")
        return
    printer = ProgressPrinter()
    try:
        added = add_images(run, place, AddSettings(dataset, assign), device=device, on_progress=printer)
    finally:
        printer.close()
    give(added.result, json_file)
    click.echo(run_line(added))
    print_result(place, added)

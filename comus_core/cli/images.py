"""`comus images`: the health of a data set."""

from __future__ import annotations

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.config import make_config
from comus_core.files.output_file import OutputFile
from comus_core.settings import assigned
from comus_core.workspace import open_workspace


@click.command()
@click.argument("dataset")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="How ground truth is read, as truth.boxes=box."
)
@WORKSPACE
@JSON
def images(dataset: str, assignments: tuple[str, ...], workspace: str | None, json_file: OutputFile | None) -> None:
    """Look at every image of DATASET: unreadable, exact and near duplicates, tiny, dark, blurry; and its truth."""
    from comus_core.pipelines.image_health import check_health, report_lines

    truth = make_config(dataset=dataset, **assigned(assignments)).truth
    place, printer = open_workspace(workspace), ProgressPrinter()
    try:
        report = check_health(dataset, place, truth=truth, on_progress=printer)
    finally:
        printer.close()
    give(report, json_file)
    for line in report_lines(report):
        click.echo(line, err=str(json_file) == "-")

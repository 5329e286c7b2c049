"""`comus similar`: what in a run looks like a picture."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import DEVICE, JSON, WORKSPACE, give
from comus_core.files.output_file import OutputFile
from comus_core.workspace import open_workspace


@click.command()
@click.argument("run_name", metavar="RUN")
@click.argument("picture", metavar="PICTURE", type=Path)
@click.option("--most", type=int, default=24, show_default=True, metavar="N", help="Proposals for each object.")
@WORKSPACE
@DEVICE
@JSON
def similar(
    run_name: str, picture: Path, most: int, workspace: str | None, device: str, json_file: OutputFile | None
) -> None:
    """Find the proposals of RUN that look most like PICTURE, and like each object in it."""
    from comus_core.pipelines.similar import find_similar_to

    place, printer = open_workspace(workspace), ProgressPrinter()
    try:
        found = find_similar_to(
            place.runs.find(run_name), picture, place, most=most, device=device, on_progress=printer
        )
    finally:
        printer.close()
    give(found, json_file)
    for part in found["parts"]:
        click.echo(part["what"], err=str(json_file) == "-")
        for entry in part["found"]:
            click.echo(f"  {entry['cosine']:.4f}  {entry['proposal']}", err=str(json_file) == "-")

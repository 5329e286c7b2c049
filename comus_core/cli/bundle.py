"""`comus bundle` and `comus open-bundle`: a run handed to a colleague, to be looked at."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.paths import output_bundle, say_replaced, with_force
from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import WORKSPACE
from comus_core.cli.runs import RUN, run_line
from comus_core.export.bundle import bundle as bundle_now
from comus_core.export.bundle_opening import open_bundle as open_now
from comus_core.files.output_file import OutputFile
from comus_core.text import counted, size
from comus_core.workspace import open_workspace


@click.command()
@RUN
@with_force(
    click.option(
        "--out", required=True, type=output_bundle, metavar="FILE.zip", help="Where to; an earlier bundle is replaced."
    )
)
@click.option("--no-photographs", is_flag=True, help="Leave the image files out: the pages show masks on grey.")
@WORKSPACE
def bundle(run_name: str, out: OutputFile, no_photographs: bool, workspace: str | None) -> None:
    """Write RUN with its decisions and ground truth to a zip; rounds of training stay behind."""
    place, printer = open_workspace(workspace), ProgressPrinter()
    run = place.runs.find(run_name)
    try:
        done = bundle_now(place, run.id, out.path, photographs=not no_photographs, force=out.force, on_progress=printer)
    finally:
        printer.close()
    say_replaced(out, done.replaced)
    with_them = counted(done.photographs, "photograph") if done.photographs else "no photographs"
    click.echo(f"{done.path}: {run.id}, {size(done.bytes)}, {with_them}; `comus open-bundle` opens it")


@click.command("open-bundle")
@click.argument("file", type=Path)
@WORKSPACE
def open_bundle(file: Path, workspace: str | None) -> None:
    """Open a zip that `comus bundle` wrote, as a read-only run of this workspace."""
    click.echo(run_line(open_now(open_workspace(workspace), file)))

"""`comus how-many`: the curves of the number of clusters, and what they suggest."""

from __future__ import annotations

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.cli.terminal import bar, mark
from comus_core.clustering.curves import Curve
from comus_core.files.output_file import OutputFile
from comus_core.text import counted
from comus_core.workspace import open_workspace

BAR = 40  # characters of the longest


@click.command("how-many")
@click.argument("run_name", metavar="RUN")
@click.option("--most", type=int, metavar="K", help="The largest number tried; default: 100, or 5 proposals to each.")
@WORKSPACE
@JSON
def how_many(run_name: str, most: int | None, workspace: str | None, json_file: OutputFile | None) -> None:
    """Estimate the number of clusters of RUN by stability, eigengap and Leiden communities."""
    from comus_core.pipelines.how_many import how_many_of

    place, printer = open_workspace(workspace), ProgressPrinter()
    try:
        found = how_many_of(place.runs.find(run_name), place, most=most, on_progress=printer)
    finally:
        printer.close()
    give({"run": place.runs.find(run_name).id, **found.to_json()}, json_file)
    for curve in found.curves:
        click.echo(f"{curve.name:10} {curve.suggestion or '-':>4}   {curve.reason}")
    click.echo(f"auto       {found.clusters:>4}   from {counted(found.points, 'proposal')}")
    for line in bars(found.curves[0]) if found.curves else [found.reason]:
        click.echo(line)


def bars(curve: Curve) -> list[str]:
    """The curve as lines of text, the suggestion marked."""
    pairs = zip(curve.x.tolist(), curve.value.tolist(), strict=True)
    return [
        f"{k:>6g} {value:6.2f} {bar(round(BAR * max(value, 0)))}{mark() * (k == curve.suggestion)}"
        for k, value in pairs
    ]

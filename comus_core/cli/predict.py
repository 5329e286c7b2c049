"""`comus predict`: masks of new photographs."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.paths import output_folder
from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import DEVICE, JSON, WORKSPACE, give, run_and_round
from comus_core.workspace import open_workspace


@click.command()
@click.argument("run_name", metavar="RUN[@ROUND]")
@click.argument("photographs", metavar="IMAGES…|FOLDER", nargs=-1, required=True)
@click.option(
    "--out", required=True, metavar="DIR", type=output_folder, help="For masks/, classes.txt, predictions.json."
)
@WORKSPACE
@DEVICE
@JSON
def predict(
    run_name: str,
    photographs: tuple[str, ...],
    out: Path,
    workspace: str | None,
    device: str,
    json_file: Path | None,
) -> None:
    """Find the categories of RUN in new photographs: files, folders or a data set.

    Without a round, or with round 0, proposals get the category of their nearest neighbours in RUN; RUN@1, RUN@2 and
    so on are the trained networks. Writes an index mask a photograph: 0 background, 1… the lines of classes.txt after
    the first.
    """
    from comus_core.predicting import predict_photographs

    place, printer = open_workspace(workspace), ProgressPrinter()
    name, number = run_and_round(run_name)
    try:
        result = predict_photographs(
            place.runs.find(name), number, photographs, place, out, device=device, on_progress=printer
        )
    finally:
        printer.close()
    give(result, json_file)
    for row in result["predictions"]:
        found = ", ".join(f"{f['name']} {100 * f['confidence']:.0f} %" for f in row["found"])
        click.echo(f"{row['image']}: {found or 'nothing'}", err=str(json_file) == "-")
    for skipped in result["skipped_files"]:
        click.echo(f"set aside {skipped['path']}: {skipped['reason']}", err=True)
    click.echo(f"{len(result['predictions'])} masks in {out / 'masks'}", err=True)

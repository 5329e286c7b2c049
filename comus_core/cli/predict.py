"""`comus predict`: masks of new photographs."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.paths import note_force, output_folder
from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import DEVICE, JSON_FILE, WORKSPACE, give, run_and_round
from comus_core.datasets.ignored_files import ignored_lines
from comus_core.files.output_file import OutputFile
from comus_core.text import counted
from comus_core.workspace import open_workspace


@click.command()
@click.argument("run_name", metavar="RUN[@ROUND]")
@click.argument("photographs", metavar="IMAGES…|FOLDER", nargs=-1, required=True)
@click.option(
    "--out", required=True, metavar="DIR", type=output_folder, help="For masks/, classes.txt, predictions.json."
)
@click.option(
    "--force",
    is_flag=True,
    is_eager=True,
    callback=note_force,
    help="Also into a folder with files of yours: those named like a result (masks/…, classes.txt, predictions.json) "
    "are replaced and named, no other is touched. The file of --json too.",
)
@WORKSPACE
@DEVICE
@JSON_FILE
def predict(
    run_name: str,
    photographs: tuple[str, ...],
    out: Path,
    force: bool,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
) -> None:
    """Find the categories of RUN in new photographs: files, folders or a data set.

    Without a round, or with round 0, proposals get the category of their nearest neighbours in RUN; RUN@1, RUN@2 and
    so on are the trained networks. Writes an index mask a photograph: 0 background, 1… the lines of classes.txt after
    the first. Earlier predictions in the folder are replaced; a folder that holds anything else is refused.
    """
    from comus_core.pipelines.predict import predict_photographs

    place, printer = open_workspace(workspace), ProgressPrinter()
    name, number = run_and_round(run_name)
    try:
        result = predict_photographs(
            place.runs.find(name), number, photographs, place, out, device=device, force=force, on_progress=printer
        )
    finally:
        printer.close()
    give(result, json_file)
    for row in result["predictions"]:
        found = ", ".join(f"{f['name']} {100 * f['confidence']:.0f} %" for f in row["found"])
        click.echo(f"{row['image']}: {found or 'nothing'}", err=str(json_file) == "-")
    for skipped in result["skipped_files"]:
        click.echo(f"set aside {skipped['path']}: {skipped['reason']}", err=True)
    for line in ignored_lines(result["passed_over"]):
        click.echo(line, err=True)
    for noted in result["notes"]:
        click.echo(f"{noted['path']}: {noted['note']}", err=True)
    for name in result["replaced"]:
        click.echo(f"replaced {out / name}", err=True)
    click.echo(f"{counted(len(result['predictions']), 'mask')} in {out / 'masks'}", err=True)

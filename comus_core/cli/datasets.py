"""`comus datasets list|download|check`."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.options import JSON, WORKSPACE, give
from comus_core.cli.progress import ProgressPrinter
from comus_core.datasets.dataset_check import check_dataset
from comus_core.datasets.obtain import obtain
from comus_core.datasets.published import PUBLISHED
from comus_core.files.output_file import OutputFile
from comus_core.text import size
from comus_core.workspace import open_workspace


@click.group()
def datasets() -> None:
    """Published data sets: what there is, how to get it, whether it is complete."""


@datasets.command("list")
def list_datasets() -> None:
    """List the data sets of the paper's tables, with size, terms and what they are checked by."""
    for entry in PUBLISHED.values():
        known = [archive.n_bytes for archive in entry.archives if archive.n_bytes is not None]
        total = f"{size(sum(known))} to download" if len(known) == len(entry.archives) else "size not known here"
        click.echo(f"{entry.name}: {entry.what}")
        click.echo(f"  {total}; {entry.licence}" + (f"; needs {entry.needs}" if entry.needs else ""))
        for archive in entry.archives:
            proof = f"{archive.checksum[0]} {archive.checksum[1]}" if archive.checksum else "checksum not known here"
            click.echo(f"  {archive.url}\n    {proof}")


@datasets.command()
@click.argument("name", type=click.Choice(list(PUBLISHED)), metavar="NAME")
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Where to unpack."
)
@click.option("--keep", is_flag=True, help="Keep the archives after they were unpacked.")
def download(name: str, folder: Path, keep: bool) -> None:
    """Download the data set NAME, check and unpack it; interrupted, the same command goes on.

    Without a network, put the archive into FOLDER yourself: it is checked and unpacked.
    """
    printer = ProgressPrinter()
    try:
        specs = obtain(name, folder, keep=keep, log=lambda line: click.echo(line, err=True), on_progress=printer)
    finally:
        printer.close()
    for spec in specs:
        click.echo(spec)


@datasets.command()
@click.argument("dataset", metavar="DATASET")
@click.option("--names", type=click.Path(path_type=Path), metavar="FILE", help="Official list: say which are not here.")
@click.option("--no-classes", is_flag=True, help="Do not read the masks to count classes and pixels.")
@WORKSPACE
@JSON
def check(
    dataset: str, names: Path | None, no_classes: bool, workspace: str | None, json_file: OutputFile | None
) -> None:
    """Check DATASET: files that are listed and missing, published counts, images and pixels of each class."""
    printer = ProgressPrinter()
    drawings = open_workspace(workspace).drawings
    try:
        found = check_dataset(dataset, drawings, names, histogram=not no_classes, on_progress=printer)
    finally:
        printer.close()
    give(found.to_json(), json_file)
    for line in found.lines():
        click.echo(line, err=str(json_file) == "-")

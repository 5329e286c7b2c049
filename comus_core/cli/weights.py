"""`comus weights list|import|download`."""

from __future__ import annotations

from pathlib import Path

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.errors import WeightsError
from comus_core.pipelines.model_selection import badge
from comus_core.text import size
from comus_core.weights.download import download_weights
from comus_core.weights.registry import REGISTRY, WeightFile
from comus_core.weights.store import (
    file_sha256,
    import_weights,
    is_available,
    models_of_timm,
    weights_folder,
    weights_table,
)


@click.group()
def weights() -> None:
    """Pretrained weights: what there is, where it comes from, what supervision went into it."""


@weights.command("list")
def list_weights() -> None:
    """List every known file."""
    click.echo(f"weights folder: {weights_folder()}")
    for file, path in weights_table():
        click.echo(f"\n{file.name}: {file.what}")
        click.echo(f"  {badge(vars(file.supervision))}; licence {file.licence}")
        click.echo(f"  here: {path}\n  sha256 {file_sha256(path)}" if path else f"  not here; from {_origin(file)}")
    click.echo("\ntimm:NAME: any model of timm, fetched from its hub (`comus weights download timm:NAME`)")
    for path in models_of_timm():
        click.echo(f"  here: {path}")
    for name, fault in REGISTRY.faults.items():
        click.echo(f"\n{name}: cannot be used ({fault})")


def _origin(file: WeightFile) -> str:
    return f"{file.source} ({size(file.n_bytes)})" if file.n_bytes else str(file.source)


@weights.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
def import_(name: str, file: Path) -> None:
    """Check FILE against the architecture of NAME and copy it into the weights folder."""
    target = import_weights(name, file)
    click.echo(f"{name}: {target}\nsha256 {file_sha256(target)}")


@weights.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--if-possible", is_flag=True, help="Skip what is here, say what cannot be had, and go on.")
def download(names: tuple[str, ...], if_possible: bool) -> None:
    """Fetch the files NAMES from where their authors publish them."""
    for name in names:
        if if_possible and is_available(name):
            continue
        printer = ProgressPrinter()
        try:
            target = download_weights(name, printer)
            click.echo(f"{name}: {target}\nsha256 {file_sha256(target)}")
        except WeightsError as error:
            if not if_possible:
                raise
            click.echo(f"{error}", err=True)
        finally:
            printer.close()

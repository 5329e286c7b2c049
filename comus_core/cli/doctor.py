"""`comus doctor`: what is installed, which weights are here, what will run on which device."""

from __future__ import annotations

import platform

import click

from comus_core.cli.options import WORKSPACE
from comus_core.config import RunConfig
from comus_core.datasets.dataset import FORMATS
from comus_core.errors import ComusError
from comus_core.features.encoders import ENCODERS
from comus_core.files.file_locks import missing_locks
from comus_core.maintenance.health import health
from comus_core.pipelines.model_selection import resolve
from comus_core.saliency.detectors import DETECTORS
from comus_core.text import counted
from comus_core.weights.store import weights_table
from comus_core.workspace import open_workspace


@click.command()
@WORKSPACE
def doctor(workspace: str | None) -> None:
    """Say what is installed, which weights are here, and what will run on which device."""
    from comus_core.machine.device import choose_device, describe_devices
    from comus_core.pipelines.discover import PACKAGES, package_version
    from comus_core.pipelines.estimate import matrix_speed

    place = open_workspace(workspace)
    click.echo(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        click.echo(f"  {package} {package_version(package) or 'MISSING: pip install -r requirements.txt'}")
    click.echo(f"devices: {'; '.join(f'{d.name} ({d.what})' for d in describe_devices())}")
    click.echo(f"matrix products: {matrix_speed():.0f} GFLOP/s")
    for file, path in weights_table():
        missing = f"not here: `comus weights download {file.name}` fetches it from {file.source}"
        click.echo(f"weights {file.name}: {path or missing}")
    for registry in (DETECTORS, ENCODERS, FORMATS):
        for name, fault in registry.faults.items():
            click.echo(f"{registry.label} {name} cannot be used ({fault})")
    click.echo(f"workspace {place.root}: {counted(len(place.runs.all()), 'run')}")
    for check in health(place):
        mark = "" if check.well else "NOT WELL: "
        click.echo(f"  {check.name}: {mark}{check.words}" + (f" ({check.action})" if check.action else ""))
    if (without := missing_locks(place.root)) is not None:
        click.echo(without)
    try:
        config = resolve(RunConfig("demo"))
        click.echo(
            f"`comus run` will use saliency {config.saliency.detector} and encoder {config.features.encoder} "
            f"on {choose_device('auto')}"
        )
    except ComusError as error:
        click.echo(f"`comus run` cannot start: {error}")

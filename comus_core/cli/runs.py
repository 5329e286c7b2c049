"""`comus runs` and `comus show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.cli.tables import print_result
from comus_core.config import to_dict
from comus_core.workspace import open_workspace


@click.command()
@click.option("--all", "archived", is_flag=True, help="Archived runs too.")
@WORKSPACE
def runs(archived: bool, workspace: str | None) -> None:
    """List the runs, the one last touched first."""
    found = open_workspace(workspace).runs.all(archived)
    if not found:
        click.echo("no runs yet: `comus run demo` makes one")
    for run in found:
        score = (run.result.get("evaluation") or {}).get("miou")
        miou = f"mIoU {score:.2f}" if score is not None else "no score"
        click.echo(f"{run.id:32} {run.state:10} {run.updated_at[:16]}  {miou:11}  {run.name}")


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--settings", is_flag=True, help="Print only the settings, as `comus run --config` reads them.")
@WORKSPACE
@JSON
def show(run_name: str, settings: bool, workspace: str | None, json_file: Path | None) -> None:
    """Show a run: settings, provenance, scores, and where its files are."""
    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if settings:
        click.echo(json.dumps(to_dict(run.config), indent=2))
        return
    give(run.result, json_file)
    click.echo(f"{run.name} ({run.state}, {run.updated_at})\nsettings {json.dumps(to_dict(run.config))}")
    for name, value in run.provenance.items():
        click.echo(f"{name}: {json.dumps(value)}")
    for kind in run.artifacts:
        click.echo(f"{kind}: {place.artifact(run, kind).folder}")
    if run.result:
        print_result(place, run)

"""`comus disk` and `comus clean`: what the workspace takes on disk, and making room in it."""

from __future__ import annotations

from dataclasses import asdict

import click

from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.files.output_file import OutputFile
from comus_core.maintenance.clean import GROUP_WORDS, GROUPS, USUAL, Group, plan_cleaning, room_words
from comus_core.maintenance.clean import clean as clean_now
from comus_core.maintenance.disk_use import disk_use
from comus_core.text import counted, size
from comus_core.workspace import open_workspace


@click.command()
@WORKSPACE
@JSON
def disk(workspace: str | None, json_file: OutputFile | None) -> None:
    """Show what every run, every artifact and the rest of the workspace take on disk."""
    place = open_workspace(workspace)
    use = disk_use(place)
    listed = [asdict(artifact) for artifact in use.artifacts]
    by_run = {run_id: asdict(taken) for run_id, taken in use.runs.items()}
    total = {"total": use.total, "free": use.free}
    give({**total, "runs": by_run, "artifacts": listed, "places": use.places}, json_file)
    click.echo(f"{place.root}: {size(use.total)}, {size(use.free)} free")
    for run_id, taken in use.runs.items():
        click.echo(f"{size(taken.own):>9}  run {run_id}, and {size(taken.shared)} that it shares with others")
    for artifact in use.artifacts:
        state = "unfinished" if not artifact.finished else counted(len(artifact.runs), "run")
        click.echo(f"{size(artifact.bytes):>9}  {artifact.kind} {artifact.fingerprint}, {state}")
    for words, count in use.places.items():
        click.echo(f"{size(count):>9}  {words}")
    click.echo(room_words(plan_cleaning(place)) or "`comus clean` would free nothing")


@click.command()
@click.option("--stopped", is_flag=True, help="Also what stopped jobs and runs would go on from.")
@click.option(
    "--transfers", is_flag=True, help="Also scores of runs on other data sets (`comus evaluate RUN DATASET`)."
)
@click.option("--pictures", is_flag=True, help="Also the pictures drawn for the pages; they are drawn again.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@WORKSPACE
def clean(stopped: bool, transfers: bool, pictures: bool, dry_run: bool, yes: bool, workspace: str | None) -> None:
    """Remove artifacts that no run needs and what stopped stages left; photographs and decisions are not touched."""
    place = open_workspace(workspace)
    plan = plan_cleaning(place)
    chosen: dict[Group, bool] = {"stopped": stopped, "transfers": transfers, "pictures": pictures}
    groups = [group for group in GROUPS if chosen.get(group, group in USUAL)]
    for group, part in plan.items():
        amount = size(part.bytes) if part.folders else "nothing"
        hint = "" if group in groups or not part.folders else f" (goes with --{group})"
        click.echo(f"{amount:>9}  {GROUP_WORDS[group][0].lower()}{hint}")
    freed = sum(plan[group].bytes for group in groups)
    if dry_run or not any(plan[group].folders for group in groups):
        click.echo("nothing to remove" if not freed else f"would free {size(freed)}")
        return
    if not yes:
        click.confirm(f"free {size(freed)}", abort=True, err=True)
    click.echo(f"freed {size(clean_now(place, groups).bytes)}")

"""`comus runs` with `rename`, `note`, `archive`, `relink` and `delete`, and `comus show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.cli.tables import print_result
from comus_core.files.output_file import OutputFile
from comus_core.maintenance.delete import delete_run, plan_deletion
from comus_core.pipelines.relink import relink_run
from comus_core.settings import to_dict
from comus_core.text import counted, size
from comus_core.workspace import Run, open_workspace
from comus_core.workspace.attempts import INTERRUPTED

RUN = click.argument("run_name", metavar="RUN")
STOPPED_WORDS = "stopped unexpectedly; the same command goes on"


@click.group(invoke_without_command=True)
@click.option("--all", "archived", is_flag=True, help="Archived runs too.")
@WORKSPACE
@click.pass_context
def runs(context: click.Context, archived: bool, workspace: str | None) -> None:
    """List the runs, the one last touched first; or change one of them."""
    if context.invoked_subcommand is not None:
        if archived or workspace:
            raise click.UsageError(f"write the options behind `{context.invoked_subcommand}`")
        return
    found = open_workspace(workspace).runs.all(archived)
    if not found:
        click.echo("no runs yet: `comus run demo` makes one")
    for run in found:
        click.echo(run_line(run))


@runs.command()
@RUN
@click.argument("name")
@WORKSPACE
def rename(run_name: str, name: str, workspace: str | None) -> None:
    """Call RUN by another name; its id stays."""
    table = open_workspace(workspace).runs
    click.echo(run_line(table.describe(table.find(run_name).id, name=name)))


@runs.command()
@RUN
@click.argument("text")
@WORKSPACE
def note(run_name: str, text: str, workspace: str | None) -> None:
    """Write a note to RUN, in place of the one before; an empty one removes it."""
    table = open_workspace(workspace).runs
    click.echo(run_line(table.describe(table.find(run_name).id, note=text)))


@runs.command()
@RUN
@click.option("--undo", is_flag=True, help="Take it out of the archive.")
@WORKSPACE
def archive(run_name: str, undo: bool, workspace: str | None) -> None:
    """Leave RUN out of the lists; nothing of it is removed."""
    table = open_workspace(workspace).runs
    click.echo(run_line(table.describe(table.find(run_name).id, archived=not undo)))


@runs.command()
@RUN
@click.option("--yes", is_flag=True, help="Do not ask.")
@WORKSPACE
def delete(run_name: str, yes: bool, workspace: str | None) -> None:
    """Delete RUN, its decisions, and what no other run uses; the images are not touched."""
    place = open_workspace(workspace)
    plan = plan_deletion(place, place.runs.find(run_name).id)
    question = f"delete {plan.run.id} ({plan.run.name}), {counted(plan.decisions, 'decision')}, {size(plan.size)}"
    if not yes:
        click.confirm(question, abort=True, err=True)
    done = delete_run(place, plan.run.id)
    click.echo(done.words())


@runs.command()
@RUN
@click.argument("folder", type=Path)
@WORKSPACE
def relink(run_name: str, folder: Path, workspace: str | None) -> None:
    """Let RUN read its images from FOLDER, where they are found by their content; names and decisions stay."""
    place = open_workspace(workspace)
    done = relink_run(place.runs.find(run_name), folder, place)
    click.echo("\n".join(done.lines()))


@click.command()
@RUN
@click.option("--settings", is_flag=True, help="Print only the settings, as `comus run --config` reads them.")
@WORKSPACE
@JSON
def show(run_name: str, settings: bool, workspace: str | None, json_file: OutputFile | None) -> None:
    """Show a run: settings, provenance, scores, and where its files are."""
    place = open_workspace(workspace)
    run = place.runs.find(run_name)
    if settings:
        click.echo(json.dumps(to_dict(run.config), indent=2))
        return
    give({"run": run.id, **run.result, "state": run.state}, json_file)
    click.echo(f"{run.name} ({run.state}, {run.updated_at})\nsettings {json.dumps(to_dict(run.config))}")
    if run.state == INTERRUPTED:
        click.echo(STOPPED_WORDS)
    click.echo(f"note: {run.note}" if run.note else "", nl=bool(run.note))
    for name, value in run.provenance.items():
        click.echo(f"{name}: {json.dumps(value)}")
    for kind in run.artifacts:
        click.echo(f"{kind}: {place.artifact(run, kind).folder}")
    if run.result:
        print_result(place, run)


def run_line(run: Run) -> str:
    """One line on a run: id, state, when last touched, score, name and note."""
    score = (run.result.get("evaluation") or {}).get("miou")
    miou = f"mIoU {score:.2f}" if score is not None else "no score"
    words = run.name + (" (archived)" if run.archived else "") + (f": {run.note}" if run.note else "")
    words += f" ({STOPPED_WORDS})" if run.state == INTERRUPTED else ""
    return f"{run.id:32} {run.state:11} {run.updated_at[:16]}  {miou:11}  {words}"

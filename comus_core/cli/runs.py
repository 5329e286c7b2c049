"""`comus runs` with `rename`, `note`, `archive`, `relink` and `delete`, and `comus show`."""

from __future__ import annotations

import json

import click

from comus_core.cli.options import JSON, RUN, WORKSPACE, give
from comus_core.cli.tables import export_line, print_result
from comus_core.cli.verb_command import Call, verb_command
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.files.output_file import OutputFile
from comus_core.maintenance.delete import plan_deletion
from comus_core.settings import to_dict
from comus_core.text import counted, size
from comus_core.verbs.result_lines import run_line
from comus_core.workspace import Run, Workspace, open_workspace
from comus_core.workspace.attempts import INTERRUPTED

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
    listed = open_workspace(workspace).runs.all(archived)
    if not listed:
        click.echo("no runs yet: `comus run demo` makes one")
    for run in listed:
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


@click.option("--yes", is_flag=True, help="Do not ask.")
def show_delete(call: Call, yes: bool) -> None:
    """Say what will be deleted, ask, and delete it."""
    plan = plan_deletion(call.workspace, call.subject.id)
    if not yes:
        decisions = counted(plan.decisions, "decision")
        click.confirm(f"delete {plan.run.id} ({plan.run.name}), {decisions}, {size(plan.size)}", abort=True, err=True)
    for line in call.verb.lines(call.result()):
        call.say(line)


runs.add_command(verb_command("delete", show_delete))
runs.add_command(verb_command("relink"))


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
        click.echo(f"{kind}: {_place_of(place, run, kind)}")
    if run.result:
        print_result(place, run)


def _place_of(workspace: Workspace, run: Run, kind: str) -> str:
    """The folder of an artifact; of pseudo-masks from before a person's decisions, that they are."""
    artifact = workspace.artifact(run, kind)
    if kind == "pseudo_masks" and not follows_decisions(workspace, run, artifact):
        return f"from before your decisions; as decided now: {export_line(workspace, run)}"
    return str(artifact.folder)

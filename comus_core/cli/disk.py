"""`comus disk`, `comus clean` and `comus verify`: the disk space of a workspace, and the state of its files."""

from __future__ import annotations

import click

from comus_core.cli.verb_command import Call, verb_command
from comus_core.errors import WorkspaceError
from comus_core.maintenance.clean import GROUP_WORDS, chosen_groups, plan_cleaning, room_words
from comus_core.text import counted, size


def show_disk(call: Call) -> None:
    """Print the disk space, and what a clean-up would free."""
    click.echo(f"{call.workspace.root}", err=str(call.json_file) == "-")
    for line in call.verb.lines(call.result()):
        call.say(line)
    call.say(room_words(plan_cleaning(call.workspace)) or "`comus clean` would free nothing")


@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def show_clean(call: Call, dry_run: bool, yes: bool) -> None:
    """Say what will be removed, ask, and remove it."""
    plan, groups = plan_cleaning(call.workspace), chosen_groups(call.settings)
    for group, part in plan.items():
        amount = size(part.bytes) if part.folders else "nothing"
        hint = "" if group in groups or not part.folders else f" (add --{group})"
        call.say(f"{amount:>9}  {GROUP_WORDS[group][0].lower()}{hint}")
    freed = sum(plan[group].bytes for group in groups)
    if dry_run or not any(plan[group].folders for group in groups):
        call.say("nothing to remove" if not freed else f"would free {size(freed)}")
        return
    if not yes:
        click.confirm(f"free {size(freed)}", abort=True, err=True)
    for line in call.verb.lines(call.result()):
        call.say(line)


def show_verify(call: Call) -> None:
    """Name every fault, the runs that need the artifact, and what to do.

    Raises:
        WorkspaceError: there is one that is not harmless.
    """
    faults = call.result()
    for line in call.verb.lines(faults):
        call.say(line)
    damaged = {fault.folder for fault in faults if not fault.harmless}
    if damaged:
        damage = counted(len(damaged), "damaged artifact")
        raise WorkspaceError(f"{damage} in {call.workspace.root}: see above")


disk = verb_command("disk", show_disk)
clean = verb_command("clean", show_clean)
verify = verb_command("verify", show_verify)

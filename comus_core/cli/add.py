"""`comus add`: new images for the clusters of a run."""

from __future__ import annotations

import click

from comus_core.cli.tables import print_result
from comus_core.cli.verb_command import Call, verb_command
from comus_core.verbs.result_lines import run_line


def show(call: Call) -> None:
    """Add the images, and print the new run."""
    added = call.result()
    if added is not None:
        click.echo(run_line(added))
        print_result(call.workspace, added)


add = verb_command("add", show)

"""`comus encoders compare`: encoders side by side, without labels."""

from __future__ import annotations

import click

from comus_core.cli.verb_command import verb_command


@click.group()
def encoders() -> None:
    """Compare encoders on the proposals of a run or a data set, without labels."""


encoders.add_command(verb_command("encoders-compare"), "compare")

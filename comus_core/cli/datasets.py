"""`comus datasets list|download|check`."""

from __future__ import annotations

import click

from comus_core.cli.verb_command import Call, verb_command


@click.group()
def datasets() -> None:
    """Published data sets: what there is, how to get it, whether it is complete."""


def _download(call: Call) -> None:
    result = call.result({"log": lambda line: click.echo(line, err=True)})
    for line in call.verb.lines(result) if result is not None else []:
        call.say(line)


datasets.add_command(verb_command("datasets-list"), "list")
datasets.add_command(verb_command("datasets-download", _download), "download")
datasets.add_command(verb_command("datasets-check"), "check")

"""`comus table`: a table of the paper, its rows computed here beside those of papers. `comus figure` needs no words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from comus_core.cli.settings_options import ASSIGNMENTS
from comus_core.cli.verb_command import Call, verb_command
from comus_core.config import PRESETS, make_config
from comus_core.datasets.dataset import absolute
from comus_core.pipelines.paper_tables.table_formats import formatted
from comus_core.pipelines.paper_tables.table_plan import plan_table
from comus_core.pipelines.paper_tables.table_settings import TableSettings, with_run_settings
from comus_core.settings import assigned, changed
from comus_core.training import TRAINING_PRESETS
from comus_core.verbs.paper_verbs import row_line

FORMATS = ("text", "csv", "markdown", "latex")


@click.option("--preset", metavar="NAME", help=f"{' or '.join(PRESETS)}: the paper's settings, of trainings too.")
@click.option(
    "--config", "config_file", type=Path, metavar="FILE", help="Settings of runs as JSON, as `comus show` prints."
)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print it."
)
def show(call: Call, preset: str | None, config_file: Path | None, form: str) -> None:
    """Say what the table needs, compute it, and print it."""
    settings = _absolute(_with_files(call.settings, preset, config_file))
    call = replace(call, settings=settings)
    if not call.background:
        for line in plan_table(settings, call.workspace, _device(call.device)).lines:
            call.say(line) if settings.plan else click.echo(line, err=True)
    observers = {
        "on_row": lambda row: click.echo(row_line(row), err=True),
        "log": lambda line: click.echo(line, err=True),
    }
    result = call.result(observers)
    if result is None or settings.plan:
        return
    for line in call.verb.lines(result) if form == "text" else formatted(result, form).splitlines():
        call.say(line)


def _with_files(settings: TableSettings, preset: str | None, config_file: Path | None) -> TableSettings:
    """The settings over those of a preset or a file: what the command line says counts most, defaults too."""
    if preset is None and config_file is None:
        return settings
    context = click.get_current_context()
    based = with_run_settings(settings, make_config(preset, config_file, dataset="demo"))
    training = {"training": TRAINING_PRESETS[preset]} if preset is not None else {}
    own = assigned(context.params[ASSIGNMENTS])
    if context.get_parameter_source("filter_percent") is ParameterSource.COMMANDLINE:
        own |= {"filter_percent": settings.filter_percent}
    return changed(changed(based, training), own)


def _absolute(settings: TableSettings) -> TableSettings:
    """The settings for a job, which works in another folder."""
    named = (settings.dataset, settings.train, settings.more)
    dataset, train, more = (absolute(spec) if spec else None for spec in named)
    root = str(Path(settings.root).expanduser().resolve()) if settings.root else None
    return replace(settings, dataset=dataset, train=train, more=more, root=root)


def _device(name: str) -> str:
    from comus_core.machine.device import choose_device

    return choose_device(name)


table = verb_command("table", show)

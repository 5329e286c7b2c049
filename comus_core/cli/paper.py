"""`comus table`: a table of the paper, its rows computed here beside those of papers. `comus figure` needs no words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from comus_core.cli.progress import duration
from comus_core.cli.verb_command import Call, verb_command
from comus_core.config import PRESETS, make_config
from comus_core.datasets.dataset import absolute
from comus_core.pipelines.paper_tables.table_formats import formatted
from comus_core.pipelines.paper_tables.table_plan import TablePlan, plan_table
from comus_core.pipelines.paper_tables.table_settings import TableSettings, with_run_settings
from comus_core.settings import changed, to_dict
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
        for line in plan_lines(plan_table(settings, call.workspace, _device(call.device))):
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
    """The settings over those of a preset or a file: what `--set` says counts most."""
    if preset is None and config_file is None:
        return settings
    plain = to_dict(TableSettings(settings.number))
    own = _differences(to_dict(settings), plain)
    based = with_run_settings(settings, make_config(preset, config_file, dataset="demo"))
    training = {"training": TRAINING_PRESETS[preset]} if preset is not None else {}
    return changed(changed(based, training), own)


def _absolute(settings: TableSettings) -> TableSettings:
    """The settings for a job, which works in another folder."""
    named = (settings.dataset, settings.train, settings.more)
    dataset, train, more = (absolute(spec) if spec else None for spec in named)
    root = str(Path(settings.root).expanduser().resolve()) if settings.root else None
    return replace(settings, dataset=dataset, train=train, more=more, root=root)


def _differences(values: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    """What was said: the values that are not the defaults, nested."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            if below := _differences(value, plain[name]):
                found[name] = below
        elif value != plain[name]:
            found[name] = value
    return found


def plan_lines(plan: TablePlan) -> list[str]:
    """Data, what is missing and how to get it, and the time."""
    lines = [f"table {plan.table.number}: {plan.table.title}", *(f"  {one.words}" for one in plan.data.values())]
    needed = dict[str, list[str]]()
    for row in plan.rows:
        for words in row.missing:
            needed.setdefault(words, []).append(row.row.name)
    lines += [f"  missing: {words} (for {', '.join(names)})" for words, names in needed.items()]
    basis = "measured in earlier runs" if plan.measured else "calculated; the first run will measure"
    count = sum(not row.missing for row in plan.rows)
    if plan.can_start:
        lines.append(
            f"  {count} of {len(plan.rows)} rows; estimate: {duration(plan.seconds)} if nothing is reused ({basis})"
        )
    return lines


def _device(name: str) -> str:
    from comus_core.machine.device import choose_device

    return choose_device(name)


table = verb_command("table", show)

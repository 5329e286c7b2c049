"""`comus images`: the health of a data set."""

from __future__ import annotations

from typing import Any

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.command_line import assigned
from comus_core.config import make_config
from comus_core.images.passed_over import passed_over_lines
from comus_core.output_file import OutputFile
from comus_core.workspace import open_workspace

FEW = 5  # of each group on the terminal; the JSON has all


@click.command()
@click.argument("dataset")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="How ground truth is read, as truth.boxes=box."
)
@WORKSPACE
@JSON
def images(dataset: str, assignments: tuple[str, ...], workspace: str | None, json_file: OutputFile | None) -> None:
    """Look at every image of DATASET: unreadable, exact and near duplicates, tiny, dark, blurry; and its truth."""
    from comus_core.image_health import check_health

    truth = make_config(dataset=dataset, **assigned(assignments)).truth
    place, printer = open_workspace(workspace), ProgressPrinter()
    try:
        report = check_health(dataset, place, truth=truth, on_progress=printer)
    finally:
        printer.close()
    give(report, json_file)
    for line in lines(report):
        click.echo(line, err=str(json_file) == "-")


def lines(report: dict[str, Any]) -> list[str]:
    """The report in words."""
    found = [f"{report['images']} images, {report['usable']} usable"]
    found += passed_over_lines(report["passed_over"])
    found += _group("unreadable", [f"{s['path']}: {s['reason']}" for s in report["unreadable"]])
    found += _group("read with a note", [f"{n['path']}: {n['note']}" for n in report["notes"]])
    for name in ("exact", "near"):
        found += _group(f"{name} duplicates, groups of", [", ".join(group) for group in report[name]])
    for name in ("tiny", "dark", "blurry"):
        found += _group(name, [f"{entry['image']} ({entry['value']:g})" for entry in report[name]])
    found += [report["truth"]["line"]] if report["truth"] else []
    return found


def _group(title: str, members: list[str]) -> list[str]:
    more = [f"  and {len(members) - FEW} more"] if len(members) > FEW else []
    return [f"{title}: {len(members)}", *(f"  {member}" for member in members[:FEW]), *more]

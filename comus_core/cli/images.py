"""`comus images`: the health of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import JSON, WORKSPACE, give
from comus_core.cli.tables import passed_over_lines
from comus_core.workspace import open_workspace

FEW = 5  # of each group on the terminal; the JSON has all


@click.command()
@click.argument("dataset")
@WORKSPACE
@JSON
def images(dataset: str, workspace: str | None, json_file: Path | None) -> None:
    """Look at every image of DATASET: unreadable, exact and near duplicates, tiny, dark, blurry."""
    from comus_core.image_health import check_health

    place, printer = open_workspace(workspace), ProgressPrinter()
    try:
        report = check_health(dataset, place, on_progress=printer)
    finally:
        printer.close()
    give(report, json_file)
    for line in lines(report):
        click.echo(line, err=str(json_file) == "-")


def lines(report: dict[str, Any]) -> list[str]:
    """The report in words."""
    found = [f"{report['images']} images, {report['usable']} usable", *passed_over_lines(report)]
    found += _group("unreadable", [f"{s['path']}: {s['reason']}" for s in report["unreadable"]])
    found += _group("read with a note", [f"{n['path']}: {n['note']}" for n in report["notes"]])
    for name in ("exact", "near"):
        found += _group(f"{name} duplicates, groups of", [", ".join(group) for group in report[name]])
    for name in ("tiny", "dark", "blurry"):
        found += _group(name, [f"{entry['image']} ({entry['value']:g})" for entry in report[name]])
    return found


def _group(title: str, members: list[str]) -> list[str]:
    more = [f"  and {len(members) - FEW} more"] if len(members) > FEW else []
    return [f"{title}: {len(members)}", *(f"  {member}" for member in members[:FEW]), *more]

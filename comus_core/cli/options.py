"""Options that many commands share, and where results go."""

from __future__ import annotations

import json
from typing import Any

import click

from comus_core.cli.paths import output_file_or_dash, say_replaced, with_force
from comus_core.cli.terminal import LETTERS, can_print
from comus_core.compute import place_of
from comus_core.files.output_file import OutputFile, write_json_output


def _checked_place(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """What `--compute` says, refused before any work if it is nothing that is known."""
    return value if value is None else place_of(value).text


WORKSPACE = click.option("--workspace", metavar="DIR", help="Where runs are kept (COMUS_WORKSPACE; ./workspace).")
JSON_FILE = click.option(
    "--json", "json_file", metavar="FILE", type=output_file_or_dash, help="Write the result as JSON ('-' prints it)."
)
JSON = with_force(JSON_FILE)
DEVICE = click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")
COMPUTE = click.option(
    "--compute",
    metavar="PLACE",
    callback=_checked_place,
    help="local, processes[:N] or ray[:ADDRESS]: where the images are worked on (COMUS_COMPUTE; local). "
    "Each process has OMP_NUM_THREADS threads, or as many as there are cores.",
)
BACKGROUND = click.option("--background", is_flag=True, help="Queue it as a job and return; see `comus jobs`.")
RUN = click.argument("run_name", metavar="RUN")


def give(result: Any, json_file: OutputFile | None) -> None:
    """Write a result as JSON where `--json` says."""
    if json_file is not None and str(json_file) == "-":
        print(json.dumps(result, indent=2, ensure_ascii=not can_print(LETTERS)))
    elif json_file is not None:
        say_replaced(json_file, write_json_output(json_file.path, result, force=json_file.force))

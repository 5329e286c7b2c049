"""`comus clusters names RUN`: the names as a CSV file, out or in. One command for two verbs."""

from __future__ import annotations

from typing import Any

import click

from comus_core.cli.options import JSON_FILE, RUN, WORKSPACE
from comus_core.cli.settings_options import from_parameters, parameters
from comus_core.cli.verb_command import Call, print_lines
from comus_core.files.output_file import OutputFile
from comus_core.verbs import subjects, verb_named
from comus_core.workspace import open_workspace

EXPORT, IMPORT = verb_named("export-names"), verb_named("import-names")
command = EXPORT.command


@click.command()
@RUN
@WORKSPACE
@JSON_FILE
def names(run_name: str, workspace: str | None, json_file: OutputFile | None, **values: Any) -> None:
    """Write the names of the clusters of RUN to a CSV file, or name them as one says.

    The file has the columns id, name and size; a spreadsheet may save it with commas, semicolons or tabs. Of a file to
    read, id and name are used: all lines or, if one is not valid, none. A default name such as `cluster 7` resets the
    name. Each name is one step that `comus clusters undo` takes back.
    """
    chosen = [name for name in ("csv", "from_") if values[name] is not None]
    if len(chosen) != 1:
        raise click.UsageError("give --csv FILE to write the names, or --from FILE to read them, one of the two")
    verb = EXPORT if chosen == ["csv"] else IMPORT
    settings = from_parameters(verb.settings, {k: v for k, v in values.items() if k in (*chosen, "force")})
    verb.check(settings)
    place = open_workspace(workspace)
    print_lines(Call(verb, subjects.of_words(verb.subject, [run_name], place), place, settings, json_file=json_file))


for option in (*parameters(EXPORT.settings, ()), *parameters(IMPORT.settings, ())):
    option(names)
for parameter in names.params:
    if parameter.name in ("csv", "from_"):
        parameter.required = False

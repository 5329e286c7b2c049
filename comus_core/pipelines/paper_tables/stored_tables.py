"""The tables that were computed in a workspace, one file each: what the Evaluate page shows. No torch."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comus_core.files.atomic import disk_error, write_json
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.workspace import Workspace
from comus_core.workspace.artifacts import digest


def tables_folder(workspace: Workspace) -> Path:
    """Where they are."""
    return own_place(workspace.root, CACHE) / "tables"


def keep_table(workspace: Workspace, result: Mapping[str, Any]) -> Path:
    """Keep the result of `comus table`: one for each table, data set and settings of runs; the last counts.

    Raises:
        WorkspaceError: the disk is full.
    """
    settings = {name: value for name, value in result["settings"].items() if name not in ("out", "force", "plan")}
    data = [one["dataset"] for one in result["data"]]
    path = tables_folder(workspace) / f"table-{result['table']}-{digest([data, settings])[:12]}.json"
    try:
        make_own(own_place(workspace.root, CACHE))
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(error, path) from error
    write_json(path, {**result, "computed_at": time.time()})
    return path


def stored_tables(workspace: Workspace) -> list[dict[str, Any]]:
    """The results that were kept, the newest first, each with `computed_at` in seconds; damaged files are left out."""
    found = []
    for path in sorted(tables_folder(workspace).glob("table-*.json")):
        try:
            found.append(dict(json.loads(path.read_text())))
        except (OSError, ValueError):  # the next run of the table writes it anew
            continue
    return sorted(found, key=lambda result: -result["computed_at"])

"""The objects of a run as a table: `comus objects RUN --out FILE`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from comus_core.errors import SettingsError
from comus_core.files.output_file import write_output
from comus_core.pipelines.export_settings import ObjectsSettings
from comus_core.runs.object_table import object_table
from comus_core.runs.proposal_table import encoded, format_of
from comus_core.runs.run_view import open_run_view
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Objects:
    """The table of a run's objects.

    Attributes:
        run: its id.
        path: of the file that was written, "" for none.
        table: see `object_table.object_table`.
        replaced: whether a file of others was replaced, with `force`.
    """

    run: str
    path: str
    table: pa.Table
    replaced: bool = False

    def frame(self) -> pd.DataFrame:
        """As a pandas data frame, one row an object."""
        return self.table.to_pandas()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; the rows are in the file."""
        about = {"run": self.run, "path": self.path, "replaced": self.replaced}
        return {**about, "objects": self.table.num_rows, "columns": self.table.column_names}


def objects(
    run: Run,
    workspace: Workspace,
    settings: ObjectsSettings = ObjectsSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> Objects:
    """All objects of a run as decided now: categories, boxes, and measures of shape, colour and sharpness.

    `objects(run, workspace).frame()` is a pandas data frame. What is measured is kept: the next call is quick,
    and of what was decided meanwhile only changed and drawn masks are measured.

    Args:
        run: a run with clusters.
        workspace: where it is.
        settings: the file to write, if any.
        device: not used.
        on_progress: called at every image that is measured.

    Raises:
        SettingsError: the file cannot be written, or its name ends in neither .csv nor .parquet.
        WorkspaceError: the run has no clusters yet.
    """
    out = Path(settings.out).expanduser() if settings.out else None
    kind = format_of(out) if out is not None else None
    if settings.bom and kind != "csv":
        raise SettingsError("bom: only a CSV file has a byte order mark; leave it out")
    view = open_run_view(workspace, run)
    table = object_table(view, workspace.decisions_of(run), on_progress)
    if out is None or kind is None:
        return Objects(run.id, "", table)
    replaced = write_output(out, encoded(table, kind, bom=settings.bom), force=settings.force)
    return Objects(run.id, str(out), table, replaced)

"""`comus report`: one file on a run, or on several and how they compare."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.export.reports.facts import facts_of
from comus_core.export.reports.markdown import markdown
from comus_core.export.reports.page import page
from comus_core.export.reports.pictures import Readable
from comus_core.files.output_file import writable_file, write_output
from comus_core.pipelines.verb_settings import ReportSettings
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class WrittenReport:
    """A report on disk.

    Attributes:
        path: of the file.
        bytes: its size.
        runs: ids of the runs that it is on.
        replaced: whether it replaced a file that this program had not written.
    """

    path: Path
    bytes: int
    runs: tuple[str, ...]
    replaced: bool

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {"path": str(self.path), "runs": list(self.runs)}


def report(
    workspace: Workspace,
    settings: ReportSettings,
    *,
    device: str = "auto",
    readable: Readable = lambda _, path: path,
    on_progress: OnProgress = no_progress,
) -> WrittenReport:
    """Write a report on one run, or on several with their comparison first; nothing is predicted or counted anew.

    The HTML holds its images and needs no other file and no network. `readable` is called for every image: a server
    refuses links out of the allowed folders.

    Raises:
        SettingsError: the file cannot be written, or another file exists there.
        WorkspaceError: there is no such run, or it has no clusters yet.
    """
    out = writable_file(Path(settings.out).expanduser(), force=settings.force)
    runs = [workspace.runs.find(name) for name in settings.runs]
    content = content_of(runs, workspace, as_markdown=settings.as_markdown, readable=readable, on_progress=on_progress)
    replaced = write_output(out, content, force=settings.force)
    return WrittenReport(out, len(content), tuple(run.id for run in runs), replaced)


def content_of(
    runs: Sequence[Run],
    workspace: Workspace,
    *,
    as_markdown: bool = False,
    readable: Readable = lambda _, path: path,
    on_progress: OnProgress = no_progress,
) -> bytes:
    """The file's content, UTF-8; arguments and errors as for `report`."""
    for run in runs:
        if "clustering" not in run.artifacts:
            raise WorkspaceError(f"run {run.id} has no clusters yet: report on it when it is done")
    made = time.strftime("%Y-%m-%d %H:%M")
    on_progress(Progress("report", 0, len(runs)))
    several = [facts_of(run, workspace) for run in runs]

    def tell(number: int) -> None:
        on_progress(Progress("report", number, len(runs)))

    text = markdown(several, made) if as_markdown else page(several, made, readable, tell)
    on_progress(Progress("report", len(runs), len(runs)))
    return text.encode()

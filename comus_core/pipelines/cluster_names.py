"""The names of a run's clusters as a CSV file, out and in, as verbs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from comus_core import curation
from comus_core.curation.name_import import exported_names, plan_names
from comus_core.curation.names_csv import read_names
from comus_core.errors import SettingsError
from comus_core.files.output_file import write_output
from comus_core.pipelines.edit_settings import ExportNamesSettings, ImportNamesSettings
from comus_core.runs.run_view import open_run_view
from comus_core.text import counted
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class ExportedNames:
    """A file of names that was written.

    Attributes:
        run: the run's id.
        path: the file.
        clusters: how many clusters it lists.
        named: how many of them have a name from a person.
        replaced: whether a file that COMUS had not written was replaced.
    """

    run: str
    path: str
    clusters: int
    named: int
    replaced: bool = False

    def lines(self) -> list[str]:
        """The same in words."""
        replaced = [f"replaced {self.path}, which this program had not written"] if self.replaced else []
        return [*replaced, f"{self.path}: {counted(self.clusters, 'cluster')}, {self.named:,} named"]


@dataclass(frozen=True)
class ImportedNames:
    """Names that were read from a file.

    Attributes:
        run: the run's id.
        version: of the run's decisions after it.
        changed: how many clusters have another name.
        unchanged: how many lines changed nothing.
        notes: what to check.
    """

    run: str
    version: int
    changed: int
    unchanged: int
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The same in words."""
        return [f"{counted(self.changed, 'cluster')} renamed, {self.unchanged:,} unchanged", *self.notes]


def export_names(
    run: Run,
    workspace: Workspace,
    settings: ExportNamesSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ExportedNames:
    """Write id, name and size of the clusters in use to a CSV file.

    Raises:
        SettingsError: the file cannot be written there, or is not one of this program's.
    """
    view = open_run_view(workspace, run)
    decided = curation.decided_in(view)
    ids = view.categories(decided).ids
    path = Path(settings.csv).expanduser()
    replaced = write_output(path, exported_names(view, decided), force=settings.force)
    return ExportedNames(run.id, str(path), len(ids), sum(k in decided.names for k in ids), replaced)


def import_names(
    run: Run,
    workspace: Workspace,
    settings: ImportNamesSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ImportedNames:
    """Name clusters as a CSV file says, all or none.

    Raises:
        SettingsError: the file cannot be read, or a line of it is not valid.
        WorkspaceError: a read-only run.
        ConflictError: someone else named one of the clusters meanwhile.
    """
    path = Path(settings.from_).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}; name a CSV file") from None
    view, read = open_run_view(workspace, run), read_names(content)
    before = curation.decided_in(view)
    plan = plan_names(view, before, read)
    decided = curation.import_names(view, read, based_on=before.version)
    return ImportedNames(run.id, decided.version, len(plan.changes), plan.unchanged, read.notes)

"""What the Import page requests: the file, its settings, the plan before anything is done, the job. No Streamlit."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from app.data.run_cache import Held
from app.forms import verb_form
from comus_core import jobs
from comus_core.datasets.allowed_folders import allowed, image_roots
from comus_core.errors import SettingsError
from comus_core.export.import_plan import ImportPlan
from comus_core.export.import_planning import plan_import
from comus_core.imports.formats import READERS, read_file
from comus_core.jobs import Job
from comus_core.pipelines.kept_files import keep_upload
from comus_core.pipelines.verb_settings import ImportSettings
from comus_core.runs.run_view import RunView
from comus_core.settings import from_dict
from comus_core.verbs import subjects
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions

MOST_IMAGES, MOST_BYTES = 3_000, 300 << 20  # compared while the page waits; more is compared by a job
_plans: Held[ImportPlan] = Held(4)


@dataclass(frozen=True)
class ImportChoices:
    """What is chosen on the page.

    Attributes:
        path: the file, zip or folder.
        format: a reader's name; "" to find it.
        missing, boxes: see `ImportSettings`.
    """

    path: str
    format: str = ""
    missing: Literal["auto", "remove", "keep"] = "auto"
    boxes: Literal["name", "fill"] = "name"

    def settings(self, *, preview: bool = False, shown: Mapping[str, Any] | None = None) -> ImportSettings:
        """As `comus import` takes them; with the plan of a preview as JSON, only what it shows is imported."""
        same = {"version": shown["version"], "content": shown["content"]} if shown is not None else {}
        return ImportSettings(self.path, self.format or None, preview, self.missing, self.boxes, **same)


def formats() -> dict[str, str]:
    """Name -> words of each format, first "" for the one that is found."""
    return {"": "Found automatically"} | {name: f"{name}: {reader.what}" for name, reader in READERS.items()}


def keep(workspace: Workspace, run: Run, files: Iterable[tuple[str, IO[bytes]]]) -> str:
    """Keep uploaded files in the workspace; the path to import.

    Raises:
        ComusError: no file or too many, or the disk is full.
    """
    return str(keep_upload(workspace, run.id, files))


def allowed_path(workspace: Workspace, path: str) -> str:
    """A path on the server, made absolute.

    Raises:
        DatasetError: it is outside the allowed folders.
        SettingsError: there is nothing.
    """
    found = allowed(path, image_roots(workspace.root))
    if not found.exists():
        raise SettingsError(f"import {found}: there is no such file or folder; check the path")
    return str(found)


def is_large(view: RunView, path: str) -> bool:
    """Whether the comparison takes so long that a job does it."""
    return len(view.image_ids) > MOST_IMAGES or _bytes(Path(path)) > MOST_BYTES


def plan(view: RunView, decided: Decisions, chosen: ImportChoices) -> ImportPlan:
    """What an import would change; held until the file, a decision or a setting changes.

    Raises:
        ComusError: the file cannot be read, or no format recognises it.
    """
    settings = chosen.settings(preview=True)
    key = (str(view.workspace.root), view.run.id, decided.version, settings, _stamp(Path(chosen.path)))
    return _plans.get(key, lambda: plan_import(view, decided, read_file(Path(chosen.path), settings.format), settings))


def start(workspace: Workspace, run: Run, chosen: ImportChoices, shown: Mapping[str, Any] | None = None) -> Job:
    """Queue the import of what a plan as JSON shows; without one the comparison that makes it.

    Raises:
        ComusError: settings that cannot work, or the supervisor does not start.
    """
    return verb_form.submit_verb(workspace, "import", run, chosen.settings(preview=shown is None, shown=shown))


def last_job(workspace: Workspace, run: Run, chosen: ImportChoices | None = None, *, preview: bool) -> Job | None:
    """The newest import into the run, or preview of one; with `chosen`, of exactly that file and settings."""
    subject = subjects.as_json("run", run)
    for job in jobs.list_jobs(workspace):
        if job.kind == "import" and job.subject == subject:
            settings = from_dict(ImportSettings, job.settings)
            if settings.preview == preview and chosen in (None, _choices(settings)):
                return job
    return None


def changed_since(path: str, job: Job) -> bool:
    """Whether a file was written after the job that compares it was queued; times to come mean nothing."""
    return any(job.created_at < written_ns / 1e9 < time.time() for _, _, written_ns in _stamp(Path(path)))


def command_line(workspace: Workspace, run: Run, chosen: ImportChoices) -> str:
    """The command that does the same."""
    return verb_form.command(workspace, "import", run, chosen.settings())


def _choices(settings: ImportSettings) -> ImportChoices:
    return ImportChoices(settings.path, settings.format or "", settings.missing, settings.boxes)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]


def _bytes(path: Path) -> int:
    return sum(map(_size, _files(path)))


def _size(file: Path) -> int:
    """Of the content: what a zip expands to, as its list says."""
    try:
        with zipfile.ZipFile(file) as content:
            return sum(entry.file_size for entry in content.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return file.stat().st_size


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes with the content."""
    return tuple((str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in _files(path))

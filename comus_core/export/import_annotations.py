"""Masks, names and categories of a label tool brought back into a run, as a verb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comus_core import curation
from comus_core.errors import ConflictError
from comus_core.export.import_events import Step, category_steps
from comus_core.export.import_plan import ImportPlan
from comus_core.export.import_planning import plan_import
from comus_core.export.import_run import import_run
from comus_core.imports.formats import read_file
from comus_core.pipelines.verb_settings import ImportSettings
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.text import counted, first_of
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions

LOOK_AGAIN = "look at the preview again, then import; nothing was imported"


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes:
        run: id of the run that holds the result: a new one where masks changed, else the run itself.
        new: whether it is a new run.
        preview: whether nothing was done.
        version: of the decisions in that run.
        plan: what was compared.
    """

    run: str
    new: bool
    preview: bool
    version: int
    plan: ImportPlan

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        facts = {"run": self.run, "new": self.new, "preview": self.preview, "version": self.version}
        return {**facts, "plan": self.plan.to_json()}

    def lines(self) -> list[str]:
        """The plan in words, and what became of it."""
        lines = self.plan.lines()
        if self.preview:
            made = "a new run beside this one" if self.plan.changes_masks else "decisions of this run"
            if self.plan.changes_nothing:
                return [*lines, "nothing to import"]
            same = f"--version {self.plan.version} --content {self.plan.content}"
            return [*lines, f"preview: it would make {made}", f"to import exactly this, or nothing, add {same}"]
        if self.plan.changes_nothing:
            return [*lines, "nothing to import"]
        return [*lines, f"imported into the new run {self.run}" if self.new else f"decided in run {self.run}"]


def import_annotations(
    run: Run,
    workspace: Workspace,
    settings: ImportSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_run: Callable[[Run], object] = lambda _: None,
) -> Imported:
    """Compare a file of a label tool with a run, and take over what differs.

    Changed, new and removed masks become a new run beside this one, with its names and decisions; names and categories
    alone become decisions of this run, which can be undone. What cannot be used is listed in the plan. With the version
    and the content of the plan of a preview, only what that showed is imported. `on_run` is called with the new run as
    soon as its id is known.

    Raises:
        SettingsError: the file cannot be read at all, or no format recognises it; or changed masks need new
            vectors, and those of the run came from a file.
        DatasetError: an image whose masks change is gone or another file.
        ConflictError: someone decided meanwhile, or the decisions or the file are not those of the preview; nothing is
            done.
        WorkspaceError: the run has no clusters yet, or is read-only.
    """
    view = open_run_view(workspace, run)
    decided = curation.decided_in(view)
    if not settings.preview:
        _require_version(view, decided, settings)
    on_progress(Progress("reading", 0, 1))
    read = read_file(Path(settings.path), settings.format)
    if not settings.preview and settings.content not in (None, read.content):
        raise ConflictError(
            f"import {settings.path} into run {run.id}: the file has changed since the preview: {LOOK_AGAIN}"
        )
    plan = plan_import(
        view, decided, read, settings, lambda done, total: on_progress(Progress("comparing", done, max(total, 1)))
    )
    if settings.preview or plan.changes_nothing:
        return Imported(run.id, False, settings.preview, decided.version, plan)
    run.require_writable()
    if not plan.changes_masks:
        return Imported(run.id, False, False, _decide(view, plan), plan)
    made = import_run(view, decided, plan, device=device, on_progress=on_progress, on_run=on_run)
    return Imported(made.id, True, False, workspace.decisions_of(made).version, plan)


def _require_version(view: RunView, decided: Decisions, settings: ImportSettings) -> None:
    """Refuse an import whose preview was based on other decisions."""
    shown, run = settings.version, view.run
    if shown is None or shown == decided.version:
        return
    events = view.workspace.decisions.events(run.id, run.artifacts["clustering"])
    since = [f"{event.id} ({event.kind})" for event in events if event.id > shown]
    changed = (
        f"{counted(len(since), 'decision')} taken since the preview, which knew decision {shown}: {first_of(since)}"
        if since
        else f"the preview knew decision {shown}, the run's last one is {decided.version}"
    )
    raise ConflictError(f"import {settings.path} into run {run.id}: {changed}: {LOOK_AGAIN}")


def _decide(view: RunView, plan: ImportPlan) -> int:
    """Write names and moves to the log of the run, all or none; returns its version."""

    def make(log: LogState) -> Sequence[Step]:
        if log.version != plan.version:
            raise ConflictError(f"import into run {view.run.id}: someone decided in it meanwhile: {LOOK_AGAIN}")
        return category_steps(plan, view.clusters, log.highest_id)

    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    return log.append_all(view.run.id, clustering, make).version

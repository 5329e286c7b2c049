"""What of a run an export is about: its objects, by what the settings choose."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.errors import SettingsError, WorkspaceError
from comus_core.export.applied_objects import applied_objects, stored_objects
from comus_core.export.object_source import ObjectSource, Scope
from comus_core.export.run_objects import RunObjects
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.settings import require
from comus_core.text import first_of
from comus_core.types import OnProgress
from comus_core.workspace import Workspace
from comus_core.workspace.decisions import Decisions


def source_of(
    subject: RunRound, workspace: Workspace, settings: ExportSettings, device: str, on_progress: OnProgress
) -> tuple[ObjectSource, Scope]:
    """The objects that are exported, and what was chosen of all.

    Raises:
        WorkspaceError, SettingsError: as `stored_source`.
        DatasetError: a round is applied to other images, and none is usable.
    """
    source, scope = stored_source(subject, workspace, settings)
    dataset = settings.dataset or subject.run.config.dataset
    return source or applied_objects(subject, dataset, workspace, scope, device, on_progress), scope


def stored_source(
    subject: RunRound, workspace: Workspace, settings: ExportSettings, view: RunView | None = None
) -> tuple[ObjectSource | None, Scope]:
    """The objects that are exported, None where the round must be applied to images first; what was chosen of all.

    `view` is that of the run, if it is open already.

    Raises:
        WorkspaceError: the run has no clusters yet; there is no such category, proposal or selection.
        SettingsError: something was chosen that a round's predictions do not have.
    """
    if "clustering" not in subject.run.artifacts:
        raise WorkspaceError(f"run {subject.run.id} has no clusters yet: finish it with `comus run`")
    decided = workspace.decisions_of(subject.run)
    if subject.training is not None:
        of_clusters = settings.proposals or settings.selection or settings.objects != "all"
        require(
            not of_clusters,
            f"{subject.key}: predictions have no core, no ids of proposals and no selection; leave objects, proposals "
            f"and selection out, or export {subject.run.id} itself",
        )
        known = list(zip(trained_ids(subject.training), trained_names(subject.training, decided), strict=True))
        scope = Scope(categories=category_ids(known, settings.categories, subject.key))
        return stored_objects(subject, workspace, scope) if settings.dataset is None else None, scope
    view = view or open_run_view(workspace, subject.run)
    known = [(k, decided.name_of(k)) for k in view.categories(decided).ids]
    ids = category_ids(known, settings.categories, subject.run.id)
    scope = Scope(settings.objects, ids, object_ids(view, decided, settings))
    return RunObjects(view, decided, scope) if settings.dataset is None else None, scope


def category_ids(known: Sequence[tuple[int, str]], words: Sequence[str], where: str) -> frozenset[int]:
    """The stable ids of categories that are named by id or name.

    Raises:
        WorkspaceError: there is none, or several have that name.
    """
    found: set[int] = set()
    for word in words:
        name = word.strip().casefold()
        by_id = [k for k, _ in known if name == str(k)]
        matches = by_id or [k for k, own in known if own.casefold() == name]
        if not matches:
            raise WorkspaceError(f"no category '{word}' in {where}: `comus clusters` lists those there are")
        if len(matches) > 1:
            ids = first_of([str(k) for k in matches])
            raise WorkspaceError(f"{len(matches)} categories of {where} have the name '{word}': use an id ({ids})")
        found.add(matches[0])
    return frozenset(found)


def object_ids(view: RunView, decided: Decisions, settings: ExportSettings) -> frozenset[str] | None:
    """The proposals and drawn objects that are named or inside the selection; None for all.

    Drawn ones are on no map, so no selection has them.

    Raises:
        SettingsError: one that the run does not have.
        WorkspaceError: an unknown selection.
    """
    ids: set[str] | None = None
    if settings.proposals:
        unknown = [p for p in settings.proposals if p not in view.row_of and p not in decided.layout.drawn]
        if unknown:
            raise SettingsError(f"run {view.run.id} has no proposal {first_of(unknown)}: ids are such as photo.jpg#0")
        ids = set(settings.proposals)
    if settings.selection:
        selection = view.workspace.selections.read(settings.selection)
        inside = {str(p) for p in view.proposals.proposal_id[chosen(view, selection)]}
        ids = inside if ids is None else ids & inside
    return None if ids is None else frozenset(ids)

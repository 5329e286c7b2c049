"""Decisions on a selection as verbs: a new category of objects, objects put back, images excluded and included."""

from __future__ import annotations

from comus_core import curation
from comus_core.pipelines.edit_clusters import ClusterEdit, decide_on
from comus_core.pipelines.edit_settings import (
    CreateSettings,
    ExcludeSettings,
    IncludeSettings,
    PutBackSettings,
    RedrawSettings,
)
from comus_core.pipelines.mask_repair import repaired
from comus_core.runs.run_view import RunView
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


def create_category(
    run: Run,
    workspace: Workspace,
    settings: CreateSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Make a new category of proposals and drawn objects, with a name; the filter always keeps them.

    Raises:
        SettingsError: no proposal, no such proposal, or an empty name.
        WorkspaceError: a read-only run.
        ConflictError: someone else moved one of them, or split its cluster, meanwhile.
    """

    def edit(view: RunView, _: list[int], seen: int) -> Decisions:
        return curation.create(view, settings.name, settings.proposals, based_on=seen)

    return decide_on(run, workspace, [], edit)


def put_back_proposals(
    run: Run,
    workspace: Workspace,
    settings: PutBackSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Bring rejected and erased proposals and drawn objects back to their clusters.

    Raises:
        SettingsError: no such proposal, or none is rejected or erased.
        WorkspaceError: a read-only run.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return decide_on(
        run, workspace, [], lambda view, _, seen: curation.put_back(view, settings.proposals, based_on=seen)
    )


def exclude_images(
    run: Run,
    workspace: Workspace,
    settings: ExcludeSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Exclude images: none of their proposals is in a cluster, and no score, mask or training uses them.

    Raises:
        SettingsError: no such image, or all are excluded already.
        WorkspaceError: a read-only run.
        ConflictError: someone else excluded or included one of them meanwhile.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.exclude(view, settings.images, based_on=seen))


def include_images(
    run: Run,
    workspace: Workspace,
    settings: IncludeSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Include excluded images again.

    Raises:
        SettingsError: no such image, or one is not excluded.
        WorkspaceError: a read-only run.
        ConflictError: someone else excluded or included one of them meanwhile.
    """
    return decide_on(run, workspace, [], lambda view, _, seen: curation.include(view, settings.images, based_on=seen))


def redraw_mask(
    run: Run,
    workspace: Workspace,
    settings: RedrawSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Repair the mask of a proposal; scores, pseudo-masks and training follow, the artifact stays as it is.

    Raises:
        SettingsError: no such proposal, both a file and a threshold, an empty or unchanged mask, or one of another
            size.
        ImageError: the file cannot be read.
        WorkspaceError: a read-only run, or one whose soft maps are gone.
        ConflictError: someone else changed one of the masks meanwhile.
    """

    def edit(view: RunView, _: list[int], seen: int) -> Decisions:
        mask = repaired(view, settings, curation.decided_in(view))
        return curation.redraw(view, settings.proposal, mask, based_on=seen)

    return decide_on(run, workspace, [], edit)

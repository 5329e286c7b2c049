"""Drawn objects as verbs: a new one in an image, and parts of a mask taken out."""

from __future__ import annotations

from pathlib import Path

from comus_core import curation
from comus_core.errors import SettingsError
from comus_core.pipelines.edit_clusters import ClusterEdit, decide_on
from comus_core.pipelines.edit_settings import DrawSettings, SeparateSettings
from comus_core.proposals import mask_edits
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.types import BoolMask, OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


def draw_object(
    run: Run,
    workspace: Workspace,
    settings: DrawSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Draw an object in an image; scores, pseudo-masks and training follow, the artifact stays as it is.

    Raises:
        SettingsError: no such image, no category or two, an empty mask, or one of another size.
        ImageError: the file cannot be read.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else changed one of the masks meanwhile.
    """
    _require_one(settings.category, settings.new_category)
    require(
        settings.category is not None or settings.new_category is not None,
        "draw: choose a category, or give the name of a new one",
    )

    def edit(view: RunView, ids: list[int], seen: int) -> Decisions:
        require(settings.image in view.image_row_of, f"no image {settings.image} in this run")
        height, width = view.image_sizes[view.image_row_of[settings.image]]
        mask = mask_edits.read_mask_file(Path(settings.mask).expanduser(), (int(height), int(width)))
        category = ids[0] if ids else str(settings.new_category)
        return curation.draw(view, settings.image, [curation.NewObject(mask, category)], based_on=seen)

    return decide_on(run, workspace, _named(settings.category), edit)


def separate_objects(
    run: Run,
    workspace: Workspace,
    settings: SeparateSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> ClusterEdit:
    """Take parts of the mask of a proposal out as objects, in one decision.

    Raises:
        SettingsError: no such proposal or part, a mask of one part, two categories, or none where the proposal has
            none.
        ImageError: the file cannot be read.
        WorkspaceError: no such cluster, several of that name, or a read-only run.
        ConflictError: someone else changed one of the masks meanwhile.
    """
    _require_one(settings.category, settings.new_category)
    require(settings.mask is None or settings.component is None, "separate: choose one of a mask file and a component")

    def edit(view: RunView, ids: list[int], seen: int) -> Decisions:
        decided, proposal = curation.decided_in(view), settings.proposal
        category = ids[0] if ids else settings.new_category or curation.category_of(view, proposal, decided)
        if category is None:
            raise SettingsError(f"{proposal} is in no category: choose one for its parts")
        parts = _parts(curation.mask_of(view, proposal, decided), settings)
        return curation.separate(view, proposal, [curation.NewObject(p, category) for p in parts], based_on=seen)

    return decide_on(run, workspace, _named(settings.category), edit)


def _parts(whole: BoolMask, settings: SeparateSettings) -> list[BoolMask]:
    """The parts to take out of a mask."""
    if settings.mask is not None:
        return [mask_edits.read_mask_file(Path(settings.mask).expanduser(), (whole.shape[0], whole.shape[1]))]
    parts = mask_edits.components(whole)
    require(
        len(parts) > 1, f"the mask of {settings.proposal} has one part: give a mask file with the pixels to take out"
    )
    if settings.component is None:
        return parts[1:]
    require(settings.component <= len(parts), f"component {settings.component}: the mask has {len(parts)}")
    return [parts[settings.component - 1]]


def _require_one(category: str | None, new_category: str | None) -> None:
    require(category is None or new_category is None, "choose either a category or the name of a new one")


def _named(category: str | None) -> list[str]:
    return [] if category is None else [category]

"""Images of a data set that runs leave out: excluded, included again, or all duplicates but one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from comus_core.config import TruthSettings
from comus_core.datasets.chosen_images import ids_of
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.errors import DatasetError
from comus_core.pipelines.image_health import spare_duplicates, stored_report
from comus_core.pipelines.verb_settings import DatasetExclusionSettings
from comus_core.text import first_of
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


def exclude_from_dataset(
    dataset: str,
    workspace: Workspace,
    settings: DatasetExclusionSettings = DatasetExclusionSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Exclude images of a data set from later runs, or include them again; finished runs stay as they are.

    The record is of this workspace and of the data set's string. The Discover page applies it;
    `comus run --excluded` does too.

    Args:
        dataset: a folder, `voc:ROOT:SPLIT`, `coco:ROOT:SPLIT` or `demo`.
        workspace: where the record is.
        settings: the images, and what to do with them; none only read the record.
        device: not used.
        on_progress: not used.

    Returns:
        `dataset`, `excluded` (all ids that are excluded now) and `changed` (those that this call was about).

    Raises:
        DatasetError: an image to exclude is not in the data set, or its duplicates were never looked for.
        SettingsError: there is nothing to undo.
        ConflictError: the last step is another by now.
    """
    spec, record = absolute(dataset), workspace.exclusions
    before = set(record.read(spec).images)
    if settings.undo:
        now = record.undo(spec, settings.last)
    elif settings.include:
        now = record.add(spec, "include", settings.images)
    else:
        chosen = [*_known(workspace, spec, settings.images), *_duplicates(workspace, spec, settings, before)]
        now = record.add(spec, "exclude", chosen)
    return {"dataset": spec, "excluded": list(now.images), "changed": sorted(before ^ set(now.images))}


def _known(workspace: Workspace, spec: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    ids, unknown = ids_of(open_dataset(spec, workspace.drawings, TruthSettings(read=False)), names)
    if unknown:
        raise DatasetError(f"{spec}: no image '{first_of(unknown)}'; name images by their path below the folder")
    return sorted(ids)


def _duplicates(
    workspace: Workspace, spec: str, settings: DatasetExclusionSettings, excluded: Collection[str]
) -> Sequence[str]:
    if not settings.duplicates:
        return []
    report = stored_report(workspace, spec)
    if report is None:
        raise DatasetError(f"{spec}: look for its duplicates first (`comus images {spec}`)")
    return spare_duplicates(report, {*excluded, *settings.images})

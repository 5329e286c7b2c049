"""What an export would write, before it is done: no image is read, and nothing is computed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from comus_core.export.category_table import counted_categories
from comus_core.export.export_plan import PlannedExport, planned
from comus_core.export.run_objects import RunObjects
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.runs.run_round import RunRound
from comus_core.settings import require
from comus_core.workspace import Workspace


@dataclass(frozen=True)
class ExportPreview:
    """Counts of an export.

    Attributes:
        images: number of images; of predictions at most so many.
        objects: number of objects; None for predictions, whose masks are read in the export.
        categories: {`id`, `index`, `name`, `color`, `objects`} of each; `objects` None for predictions.
        notes: sentences on names that the format cannot hold.
    """

    images: int
    objects: int | None
    categories: list[dict[str, Any]]
    notes: tuple[str, ...]


def preview_export(round: RunRound, workspace: Workspace, settings: ExportSettings) -> ExportPreview:
    """The counts and names of an export; of other images, which may have to be predicted first, there is no preview.

    Raises:
        SettingsError, WorkspaceError: as `export_run`.
    """
    require(settings.dataset is None, "dataset: other images are counted when the export is done")
    export = planned(round, workspace, settings, splits=False)
    count = _counts(export)
    images = [i for i in export.plan.images if export.keeps_empty or export.source.holds(i.id)]
    categories = counted_categories(export.plan.categories, objects=count)
    return ExportPreview(len(images), None if count is None else sum(count.values()), categories, export.notes)


def _counts(export: PlannedExport) -> Counter[int] | None:
    return export.source.counts() if isinstance(export.source, RunObjects) else None

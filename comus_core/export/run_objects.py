"""The objects of a run's clusters, as decided now."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from comus_core.export.object_source import Scope, SourceImage, source_images
from comus_core.export.records import ExportObject
from comus_core.runs.decided_objects import DecidedObjects, decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask, ImageId
from comus_core.workspace import Artifact
from comus_core.workspace.decisions import Decisions


class RunObjects:
    """See `ObjectSource`: rejected, erased and unassigned objects, and excluded images, are in no export."""

    def __init__(self, view: RunView, decided: Decisions, scope: Scope) -> None:
        self._view, self._decided, self._scope = view, decided, scope

    @cached_property
    def images(self) -> Sequence[SourceImage]:
        """All usable images that are not excluded."""
        view, gone = self._view, self._decided.layout.excluded
        root = view.workspace.images_root(view.run)
        return [image for image in source_images(self.checked, root) if image.id not in gone]

    @property
    def checked(self) -> Artifact:
        """The artifact of the run's images."""
        return self._view.workspace.artifact(self._view.run, "images")

    @cached_property
    def categories(self) -> Sequence[tuple[int, str]]:
        """The categories as decided, or the chosen ones."""
        ids, chosen = self._view.categories(self._decided).ids, self._scope.categories
        return [(k, self._decided.name_of(k)) for k in ids if not chosen or k in chosen]

    @property
    def about(self) -> Mapping[str, Any]:
        """Of the clusters: the version of the decisions, and the filter."""
        decided = self._decided
        filtered = {"filter_percent": decided.filter_percent, "filter_by": decided.filter_by}
        return {
            "round": 0,
            "decisions": decided.version,
            "clustering": self._view.run.artifacts["clustering"],
        } | filtered

    def counts(self) -> Counter[int]:
        """Objects of each category that are exported, of images that are not excluded."""
        return Counter(self._objects.id_of[self._chosen].tolist())

    def holds(self, image_id: ImageId) -> bool:
        """Whether one of its objects is exported."""
        return bool(self._rows(image_id))

    def objects(self, image_id: ImageId) -> list[ExportObject]:
        """The chosen objects of an image, proposals in the order of the run and then drawn ones by number."""
        return [export_object(self._objects, row) for row in self._rows(image_id)]

    @cached_property
    def _objects(self) -> DecidedObjects:
        return decided_objects(self._view, self._decided)

    def _rows(self, image_id: ImageId) -> list[int]:
        return [row for row in self._objects.rows_of_image.get(image_id, ()) if self._chosen[row]]

    @cached_property
    def _chosen(self) -> BoolMask:
        return rows_in_scope(self._objects, self._scope)


def rows_in_scope(objects: DecidedObjects, scope: Scope) -> BoolMask:
    """(n + m,) which objects an export of that scope has."""
    chosen: BoolMask = objects.used.copy()
    if scope.objects == "core":
        chosen &= objects.core
    if scope.objects == "accepted":
        chosen &= objects.accepted | objects.by_hand
    if scope.categories:
        chosen &= np.isin(objects.id_of, sorted(scope.categories))
    if scope.proposals is not None:
        chosen &= np.array([i in scope.proposals for i in objects.ids], bool)
    return chosen


def export_object(objects: DecidedObjects, row: int) -> ExportObject:
    """An object that is in a category, as exports have it: the one place that reads it so."""
    masks = objects.masks
    height, width = masks.size_hw[row].tolist()
    return ExportObject(
        id=masks.proposal_id[row],
        image_id=masks.image_id[row],
        category=int(objects.id_of[row]),
        rle=masks.rle[row],
        size_hw=(height, width),
        box_xyxy=tuple(masks.box_xyxy[row].tolist()),
        area=int(masks.area[row]),
        score=_finite(masks.score[row]),
        distance=_finite(objects.distance[row]),
        core=bool(objects.core[row]),
        accepted=bool(objects.accepted[row]),
        by_hand=bool(objects.by_hand[row]),
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

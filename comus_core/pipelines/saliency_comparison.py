"""A comparison of detectors as it is kept in the workspace, with the files that its pages show. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.errors import WorkspaceError
from comus_core.files.stored_json import stored_result
from comus_core.pipelines.image_index import index_key, lists_folder
from comus_core.pipelines.model_selection import resolve_saliency
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings
from comus_core.plugins import split
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.threshold_areas import with_proposal
from comus_core.saliency.thresholding import find_proposals
from comus_core.settings import from_dict
from comus_core.types import BoolMask, ByteArray, ImageId, IntArray
from comus_core.workspace import Artifact, Workspace


@dataclass(frozen=True)
class DetectorMaps:
    """What one of the compared detectors found.

    Attributes:
        row: its entry of `detectors` in the result.
        maps: its soft maps.
        measures: see `stages.saliency_measures`.
        sizes: image id -> (height, width), of the images compared.
    """

    row: Mapping[str, Any]
    maps: Artifact
    measures: Artifact
    sizes: dict[ImageId, tuple[int, int]]

    @property
    def settings(self) -> SaliencySettings:
        """Its settings, as they were compared."""
        return from_dict(SaliencySettings, self.row["saliency"])

    @cached_property
    def areas(self) -> IntArray | None:
        """(n, 99) int64, images in the order of `sizes`; None where no table of areas decides."""
        table = self.measures.table(["image_id", "areas"])
        area_of = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
        rows = [area_of[image_id] for image_id in self.sizes]
        return np.array(rows, np.int64) if rows and None not in rows else None

    def stored_map(self, image_id: ImageId) -> ByteArray:
        """The soft map of an image, (h, w) uint8; the largest value of all its objects."""
        stored = self.stored_maps(image_id)
        return stored if stored.ndim == 2 else stored.max(axis=0, initial=0)

    def stored_maps(self, image_id: ImageId) -> ByteArray:
        """(h, w) uint8, or (n, h, w) of a detector that finds several objects."""
        return tables.read_object_maps(self.maps, [image_id])[image_id]

    def proposals_at(self, threshold: float, min_area: int) -> dict[ImageId, int]:
        """How many proposals each image has at a threshold: from the areas where they decide, else from the maps."""
        if self.areas is not None:
            found = with_proposal(self.areas, threshold, min_area)
            return dict(zip(self.sizes, map(int, found), strict=True))
        settings = self.at(threshold, min_area)
        stored = tables.read_object_maps(self.maps, list(self.sizes))
        return {i: len(find_proposals(i, stored[i], size_hw, settings)) for i, size_hw in self.sizes.items()}

    def masks_at(self, image_id: ImageId, threshold: float, min_area: int) -> list[BoolMask]:
        """The masks that an image's proposals would have at a threshold."""
        found = find_proposals(image_id, self.stored_maps(image_id), self.sizes[image_id], self.at(threshold, min_area))
        return [found.mask(row) for row in range(len(found))]

    def at(self, threshold: float, min_area: int) -> SaliencySettings:
        """Its settings with another threshold and smallest area."""
        return from_dict(SaliencySettings, self.row["saliency"] | {"threshold": threshold, "min_area": min_area})


def chosen_detectors(settings: SaliencyCompareSettings) -> list[SaliencySettings]:
    """The settings of every detector to compare, `auto` resolved, each once.

    Raises:
        SettingsError: an unknown detector; lists those there are.
    """
    resolved = (resolve_saliency(replace(settings.saliency, detector=name)) for name in settings.detectors)
    return list({saliency.detector: saliency for saliency in resolved}.values())


def stage_of(detector: str) -> str:
    """What the progress of a detector is called."""
    name, path = split(detector)
    return f"maps of {name}" + (f" {path.rpartition('/')[2]}" if path else "")


def comparison_file(workspace: Workspace, spec: str) -> Path:
    """The file of a data set's comparison."""
    return lists_folder(workspace) / f"{index_key(spec)}.detectors.json"


def stored_comparison(workspace: Workspace, spec: str) -> dict[str, Any] | None:
    """The detectors as they were last compared on a data set, or None.

    Raises:
        WorkspaceError: its file is damaged.
    """
    return read_comparison(comparison_file(workspace, spec))


def read_comparison(path: Path) -> dict[str, Any] | None:
    """The same from its file."""
    return stored_result(path, ("compared_at", "detectors"), "compare the detectors again")


def compared(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of the detectors that could be used here, in the order of `agreement`."""
    return [row for row in result["detectors"] if row["reason"] is None]


def open_maps(workspace: Workspace, result: Mapping[str, Any], row: Mapping[str, Any]) -> DetectorMaps:
    """What a detector found, from an entry of `compared`.

    Raises:
        WorkspaceError: it is no longer in the workspace, as after a clean-up.
    """
    try:
        maps, measures = (
            workspace.artifacts.get(kind, row["artifacts"][kind]) for kind in ("soft_maps", "saliency_measures")
        )
    except WorkspaceError:
        raise WorkspaceError(
            f"the soft maps of {row['detector']} are no longer in the workspace: compare the detectors again"
        ) from None
    sizes = {one["image"]: (one["height"], one["width"]) for one in result["image_rows"]}
    return DetectorMaps(row, maps, measures, sizes)

"""The comparison of detectors on a data set as the page and its routes show it, read once. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.data.run_cache import Held, workspace
from comus_core.errors import WorkspaceError
from comus_core.pipelines.image_index import lists_folder
from comus_core.pipelines.saliency_comparison import DetectorMaps, compared, open_maps, read_comparison
from comus_core.types import ImageId
from comus_core.workspace.artifacts import digest

Proposals = dict[ImageId, int]  # image id -> number of its proposals

_results: Held[dict[str, Any] | None] = Held(8)
_maps: Held[DetectorMaps] = Held(24)
_proposals: Held[Proposals] = Held(256)


def comparison(key: str) -> dict[str, Any] | None:
    """The comparison kept under the key of a data set, None where there is none; read again when it was made again.

    Raises:
        WorkspaceError: its file is damaged.
    """
    place = workspace()
    path = lists_folder(place) / f"{key}.detectors.json"
    try:
        changed = path.stat().st_mtime_ns if key.isalnum() else 0
    except OSError:
        changed = 0
    return _results.get((str(place.root), key, changed), lambda: read_comparison(path) if changed else None)


def maps_of(result: Mapping[str, Any], column: int) -> DetectorMaps:
    """What one of the compared detectors found; `column` counts those that could be used.

    Raises:
        WorkspaceError: there is no such detector, or its maps were cleaned up.
    """
    rows = compared(result)
    if not 0 <= column < len(rows):
        raise WorkspaceError(f"detector {column}: {len(rows)} were compared, numbered from 0")
    place, row = workspace(), rows[column]
    key = (str(place.root), *sorted(row["artifacts"].values()), result["compared_at"])
    return _maps.get(key, lambda: open_maps(place, result, row))


def proposals_at(maps: DetectorMaps, threshold: float, min_area: int) -> Proposals:
    """How many proposals each image has at a threshold."""
    key = (str(workspace().root), maps.measures.fingerprint, tuple(maps.sizes), threshold, min_area)
    return _proposals.get(key, lambda: maps.proposals_at(threshold, min_area))


@dataclass(frozen=True)
class Found:
    """What a threshold finds: `proposals` in `images`, of which `without` have none."""

    proposals: int
    images: int
    without: int


def found_at(maps: DetectorMaps, threshold: float, min_area: int) -> Found:
    """How many proposals there are at a threshold, and images without one."""
    counts = proposals_at(maps, threshold, min_area).values()
    return Found(sum(counts), len(counts), sum(not count for count in counts))


def look(maps: DetectorMaps, image_id: ImageId) -> str:
    """A version of all that decides how the soft map and the masks of an image look."""
    return digest([maps.measures.fingerprint, image_id])[:12]

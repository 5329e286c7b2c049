"""Proposed splits of a category, for a person to review."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from comus_core.curation.category_names import require_known
from comus_core.curation.decision_history import decided_in
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.text import counted
from comus_core.types import FloatArray, IntArray

MOST_PARTS = 20


@dataclass(frozen=True, eq=False)
class Split:
    """A proposed split of a category.

    Attributes:
        category: its id.
        rows: (m,) rows of its proposals.
        part: (m,) int32 part of each, 0 for the largest.
        distance: (m,) cosine distance to the centre of its part.
        parts: their number.
    """

    category: int
    rows: IntArray
    part: IntArray
    distance: FloatArray
    parts: int

    def rows_of(self, part: int) -> IntArray:
        """Rows of a part, by distance to its centre."""
        inside = np.flatnonzero(self.part == part)
        return self.rows[inside[np.argsort(self.distance[inside], kind="stable")]]


def propose_split(view: RunView, category: int, parts: int, *, seed: int | None = None) -> Split:
    """Propose a split: the category's vectors are clustered like those of the run.

    In runs with HDBSCAN or EVōC the split uses spectral clustering. `parts` are from 2 to 20; without a `seed` it is
    that of the run.

    Raises:
        SettingsError: no such category, `parts` out of range, or too few proposals.
    """
    from comus_core.clustering.clusters import cluster

    require(2 <= parts <= MOST_PARTS, f"parts {parts}: must be from 2 to {MOST_PARTS}")
    decided = decided_in(view)
    require_known(view, decided, [category])
    categories = view.categories(decided)
    number = categories.number_of(category)
    require(number is not None, f"category {category} is rejected: restore it first")
    rows = np.sort(categories.rows[number or 0])
    require(len(rows) >= parts, f"category {category} has {counted(len(rows), 'proposal')}: too few for {parts} parts")
    config = view.run.config
    settings = config.clustering
    if settings.method in ("hdbscan", "evoc"):  # they keep to no number of clusters, and leave noise
        settings = replace(settings, method="spectral")
    clustering = cluster(view.vectors()[rows], settings, parts, config.seed if seed is None else seed)
    count = int(clustering.cluster.max()) + 1
    require(count >= 2, f"category {category}: all its proposals have the same vector, so it cannot be split")
    return Split(category, rows, clustering.cluster, clustering.distance, count)

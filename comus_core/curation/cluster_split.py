"""A category in parts, computed for a person to look at before it is decided."""

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
    """A category in parts, not decided yet.

    Attributes:
        category: its id.
        rows: (m,) rows of its proposals.
        part: (m,) int32 part of each, 0 the largest.
        distance: (m,) cosine to the centre of the own part.
        parts: how many there are.
    """

    category: int
    rows: IntArray
    part: IntArray
    distance: FloatArray
    parts: int

    def rows_of(self, part: int) -> IntArray:
        """Rows of a part, nearest its centre first."""
        inside = np.flatnonzero(self.part == part)
        return self.rows[inside[np.argsort(self.distance[inside], kind="stable")]]


def propose_split(view: RunView, category: int, parts: int, *, seed: int | None = None) -> Split:
    """What a split would give: the category's proposals clustered among themselves as the run's were, on its vectors.

    The clusters of HDBSCAN are split by spectral clustering.

    Args:
        view: the run.
        category: its id.
        parts: 2 to 20.
        seed: of the clustering; None is the run's.

    Raises:
        SettingsError: no such category, a number of parts that is out of range or that its proposals cannot make.
    """
    from comus_core.clustering import cluster

    require(2 <= parts <= MOST_PARTS, f"parts {parts}: from 2 to {MOST_PARTS}")
    decided = decided_in(view)
    require_known(view, decided, [category])
    found = view.categories(decided)
    number = found.number_of(category)
    require(number is not None, f"category {category} is rejected: restore it first")
    rows = np.sort(found.rows[number or 0])
    require(len(rows) >= parts, f"category {category} has {counted(len(rows), 'proposal')}: too few for {parts} parts")
    config = view.run.config
    how = config.clustering
    if how.method == "hdbscan":  # which takes no number, and leaves noise
        how = replace(how, method="spectral")
    made = cluster(view.vectors()[rows], how, parts, config.seed if seed is None else seed)
    count = int(made.cluster.max()) + 1
    require(count >= 2, f"category {category}: its proposals have one vector, so there is nothing to split")
    return Split(category, rows, made.cluster, made.distance, count)

"""Where a proposal stands in its cluster, and so why the filter keeps or drops it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comus_core.run_view import RunView
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True)
class Standing:
    """A proposal's place in its cluster.

    Attributes:
        cluster: −1 if in none.
        place: 1 = nearest the centre, 0 if in no cluster.
        size: proposals of the cluster.
        distance: cosine to the own centre.
        dropped_from: the filter percentage from which on it is dropped; infinite for the nearest, 0 for the farthest
            means at every percentage above 0.
        percent: the cluster's filter percentage.
        kept: whether it is in the core.
    """

    cluster: int
    place: int
    size: int
    distance: float
    dropped_from: float
    percent: float
    kept: bool

    @property
    def reason(self) -> str:
        """Why it is kept or dropped, in a sentence or two."""
        if self.cluster < 0:
            return "It is in no cluster, so it counts as background."
        where = f"Number {self.place} of {self.size:,} by distance to the cluster's centre."
        if np.isinf(self.dropped_from):
            return f"{where} The nearest of a cluster is kept at every filter."
        if self.dropped_from == 0:
            last = "kept at 0 % only" if self.kept else f"dropped at any filter above 0 %, and it is {self.percent:g} %"
            return f"{where} The farthest is {last}."
        verdict = "below that, so it is kept" if self.kept else "not below that, so it is dropped"
        return f"{where} Dropped from a filter of {self.dropped_from:.4g} % on; it is {self.percent:g} %, {verdict}."


def standing_of(view: RunView, row: int, decided: Decisions) -> Standing:
    """Where the proposal of a row stands under the filter as decided."""
    cluster, limit = int(view.cluster[row]), float(view.rank[row])
    if cluster < 0:
        return Standing(-1, 0, 0, float("nan"), 0.0, 0.0, False)
    rows = view.by_distance[cluster]
    percent = decided.percent_of(view.clusters)[cluster]
    return Standing(
        cluster=cluster,
        place=int(np.flatnonzero(rows == row)[0]) + 1,
        size=len(rows),
        distance=float(view.distance[row]),
        dropped_from=0.0 if limit < 1e-300 else limit,  # the farthest one's limit is the smallest number above 0
        percent=percent,
        kept=percent < limit,
    )

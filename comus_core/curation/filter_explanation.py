"""Why the filter keeps or drops a proposal: its rank in its category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comus_core.config import FilterBy
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

BY_WORDS: dict[FilterBy, str] = {
    "distance": "distance to the cluster's centre",
    "silhouette": "silhouette",
    "density": "distance to its neighbours",
    "agreement": "share of neighbours in other clusters",
}


@dataclass(frozen=True)
class FilterExplanation:
    """A proposal's rank in its category, and the filter there.

    Attributes:
        cluster: id of its category, −1 for none.
        place: rank, 1 for the nearest to the centre, 0 without category.
        size: number of proposals in the category.
        distance: cosine distance to the centre.
        dropped_from: the filter percentage from which it is dropped; infinite for the nearest; 0 means any percentage
            above 0.
        percent: the category's filter percentage.
        kept: whether it is in the core.
        by_hand: whether a person moved it there.
        by: the ranking of its category.
        accepted: whether a person accepted it.
        erased: whether a person erased it.
        excluded: whether a person excluded its image.
    """

    cluster: int
    place: int
    size: int
    distance: float
    dropped_from: float
    percent: float
    kept: bool
    by_hand: bool = False
    by: FilterBy = "distance"
    accepted: bool = False
    erased: bool = False
    excluded: bool = False

    @property
    def limit_words(self) -> str:
        """The filter percentage from which it is dropped, in short."""
        if self.cluster < 0:
            return "in no cluster"
        if np.isinf(self.dropped_from):
            return "always kept"
        return f"from {self.dropped_from:.3g} %" if self.dropped_from else "above 0 %"

    @property
    def reason(self) -> str:
        """Why it is kept or dropped, in one or two sentences."""
        if self.excluded:
            return "You excluded its image: it is in no cluster, and the image is in no score and no training."
        if self.erased:
            return "You erased its mask: its pixels are background, also in training labels."
        if self.cluster < 0:
            return "It is in no cluster, so it counts as background."
        if self.accepted:
            return "You accepted it; it is always kept."
        if self.by_hand:
            return "You moved it here; it is always kept."
        rank = f"Rank {self.place} of {self.size:,} by {BY_WORDS[self.by]}."
        first, last = ("nearest", "farthest") if self.by == "distance" else ("first", "last")
        if np.isinf(self.dropped_from):
            return f"{rank} The {first} in a cluster is always kept."
        if self.dropped_from == 0:
            verdict = "kept only at 0 %" if self.kept else f"dropped above 0 %; the filter is {self.percent:g} %"
            return f"{rank} The {last} in a cluster is {verdict}."
        verdict = "so it is kept" if self.kept else "so it is dropped"
        return f"{rank} Dropped from {self.dropped_from:.4g} %; the filter is {self.percent:g} %, {verdict}."


def explain_filter(view: RunView, row: int, decided: Decisions) -> FilterExplanation:
    """Explain what the filter does to the proposal of a row."""
    categories = view.categories(decided)
    category, limit = int(categories.category[row]), float(categories.rank[row])
    if category < 0:
        erased, excluded = bool(categories.erased[row]), bool(categories.excluded[row])
        return FilterExplanation(-1, 0, 0, float("nan"), 0.0, 0.0, False, erased=erased, excluded=excluded)
    rows, percent = categories.rows[category], float(categories.percents(decided)[row])
    return FilterExplanation(
        cluster=categories.ids[category],
        place=int(np.flatnonzero(rows == row)[0]) + 1,
        size=len(rows),
        distance=float(categories.distance[row]),
        dropped_from=0.0 if limit < 1e-300 else limit,  # the farthest one's limit is the smallest number above 0
        percent=percent,
        kept=percent < limit,
        by_hand=bool(categories.by_hand[row]),
        accepted=str(view.proposals.proposal_id[row]) in decided.layout.accepted,
        by="distance" if categories.by_distance[category] else decided.filter_by,
    )


def truth_shares(view: RunView, row: int, decided: Decisions) -> list[tuple[str, float]]:
    """Ground-truth classes inside a proposal and their percentages of its counted pixels, largest first.

    Background is included, ignored pixels are not counted; empty if the image has no ground truth.
    """
    counted, counts = int(view.count_rows[row]), view.counts_of(decided)
    if counts is None or counted < 0:
        return []
    pixels = counts.pixels(np.array([counted]))[0]
    order = np.argsort(-pixels, kind="stable")[: int((pixels > 0).sum())]
    return [(view.classes[k], 100.0 * int(pixels[k]) / int(pixels.sum())) for k in order]


def classes_in(view: RunView, image_id: str) -> list[int]:
    """Indices of the foreground classes in an image, by its ground truth."""
    if view.counts is None:
        return []
    pixels = view.counts.pixels(view.counts.image_id == image_id).sum(axis=0)
    return [int(k) for k in np.flatnonzero(pixels) if k > 0]

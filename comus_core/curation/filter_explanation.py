"""Where a proposal stands in its cluster, and so why the filter keeps or drops it."""

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
    "agreement": "how many neighbours are of another cluster",
}


@dataclass(frozen=True)
class Standing:
    """A proposal's place in its category.

    Attributes:
        cluster: id of its category, −1 if in none.
        place: 1 = nearest the centre, 0 if in no category.
        size: proposals of the category.
        distance: cosine to the own centre.
        dropped_from: the filter percentage from which on it is dropped; infinite for the nearest, 0 for the farthest
            means at every percentage above 0.
        percent: the category's filter percentage.
        kept: whether it is in the core.
        by_hand: whether a person put it there.
        by: what its category is ranked by.
        accepted: whether a person accepted it.
        erased: whether a person erased it.
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

    @property
    def limit_words(self) -> str:
        """From which filter on it is dropped, in few words."""
        if self.cluster < 0:
            return "in no cluster"
        if np.isinf(self.dropped_from):
            return "always kept"
        return f"from {self.dropped_from:.3g} %" if self.dropped_from else "above 0 %"

    @property
    def reason(self) -> str:
        """Why it is kept or dropped, in a sentence or two."""
        if self.erased:
            return "Its mask was erased by hand: its pixels are background, in training labels too."
        if self.cluster < 0:
            return "It is in no cluster, so it counts as background."
        if self.accepted:
            return "It was accepted by hand, and is kept at every filter."
        if self.by_hand:
            return "It was moved here by hand, and is kept at every filter."
        where = f"Number {self.place} of {self.size:,} by {BY_WORDS[self.by]}."
        first, last = ("nearest", "farthest") if self.by == "distance" else ("first", "last")
        if np.isinf(self.dropped_from):
            return f"{where} The {first} of a cluster is kept at every filter."
        if self.dropped_from == 0:
            verdict = (
                "kept at 0 % only" if self.kept else f"dropped at any filter above 0 %, and it is {self.percent:g} %"
            )
            return f"{where} The {last} is {verdict}."
        verdict = "below that, so it is kept" if self.kept else "not below that, so it is dropped"
        return f"{where} Dropped from a filter of {self.dropped_from:.4g} % on; it is {self.percent:g} %, {verdict}."


def standing_of(view: RunView, row: int, decided: Decisions) -> Standing:
    """Where the proposal of a row stands under the filter as decided."""
    found = view.categories(decided)
    category, limit = int(found.category[row]), float(found.rank[row])
    if category < 0:
        return Standing(-1, 0, 0, float("nan"), 0.0, 0.0, False, erased=bool(found.erased[row]))
    rows, percent = found.rows[category], float(found.percents(decided)[row])
    return Standing(
        cluster=found.ids[category],
        place=int(np.flatnonzero(rows == row)[0]) + 1,
        size=len(rows),
        distance=float(found.distance[row]),
        dropped_from=0.0 if limit < 1e-300 else limit,  # the farthest one's limit is the smallest number above 0
        percent=percent,
        kept=percent < limit,
        by_hand=bool(found.by_hand[row]),
        accepted=str(view.proposals.proposal_id[row]) in decided.layout.accepted,
        by="distance" if found.by_distance[category] else decided.filter_by,
    )


def truth_shares(view: RunView, row: int) -> list[tuple[str, float]]:
    """Ground-truth classes inside a proposal and their shares of its counted pixels in percent, largest first.

    Background is one of them; ignored pixels are not counted; empty where the image has no ground truth.
    """
    counted = int(view.count_rows[row])
    if view.counts is None or counted < 0:
        return []
    pixels = view.counts.pixels(np.array([counted]))[0]
    order = np.argsort(-pixels, kind="stable")[: int((pixels > 0).sum())]
    return [(view.classes[k], 100.0 * int(pixels[k]) / int(pixels.sum())) for k in order]


def classes_in(view: RunView, image_id: str) -> list[int]:
    """Foreground classes that the ground truth has in an image, by number."""
    if view.counts is None:
        return []
    pixels = view.counts.pixels(view.counts.image_id == image_id).sum(axis=0)
    return [int(k) for k in np.flatnonzero(pixels) if k > 0]

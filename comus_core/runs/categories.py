"""The proposals in their categories as a person decided: what scores, galleries, pseudo-masks and training read."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from comus_core.clustering.filtering import ALWAYS, filter_rank
from comus_core.runs.label_map import REJECTED, LabelMap
from comus_core.types import BoolMask, FloatArray, IntArray, StrArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredMap, LayeredSet
from comus_core.workspace.layout import Layout, image_of


@dataclass(frozen=True, eq=False)
class Categories:
    """n proposals in C categories. Treat every array as read-only.

    Attributes:
        ids: (C,) stable id of each category, ascending.
        id_of: (n,) int32 the id of each proposal's category, that of a rejected one too; −1 in none.
        category: (n,) int32 dense category 0…C−1, −1 in none or in a rejected one.
        distance: (n,) cosine to the centre by which the proposal is ranked: that of its own cluster, of its part after
            a split, or of the whole after a merge. A proposal moved by hand keeps the one it had; it is not ranked by
            it.
        by_hand: (n,) bool, put there by a person.
        erased: (n,) bool, of a mask that a person erased: in no category, and its pixels are background.
        excluded: (n,) bool, of an image that a person excluded: in no category.
        by_distance: (C,) bool, ranked by distance although the filter ranks by something else: what else it may rank by
            was measured in the clusters as they were made, so what was split or merged has it no more.
        rank: (n,) a proposal is kept exactly while its category's filter percentage is below this: of a category's n
            proposals, merged or split, the first ceil((1 − p/100)(n − 1)) by (what the filter ranks by, proposal id)
            and at least one, as for a cluster. Those moved by hand come first and are kept at every percentage, so that
            more than that stay only where more than that were moved there.
    """

    ids: tuple[int, ...]
    id_of: IntArray
    category: IntArray
    distance: FloatArray
    by_hand: BoolMask
    erased: BoolMask
    excluded: BoolMask
    by_distance: BoolMask
    rank: FloatArray

    def kept(self, decided: Decisions) -> BoolMask:
        """(n,) which proposals are in the core under the decided filter."""
        core: BoolMask = self.percents(decided) < self.rank
        return core

    def coverage(self, decided: Decisions) -> float:
        """Share (0…1) of the foreground proposals that the decided filter keeps."""
        return float(self.kept(decided).sum() / max(int((self.category >= 0).sum()), 1))

    def percents(self, decided: Decisions) -> FloatArray:
        """(n,) the filter percentage of each proposal's category; 0 in none."""
        return np.array([*decided.percent_of(self.ids).values(), 0.0])[self.category]  # −1 finds the last

    @cached_property
    def rows(self) -> tuple[IntArray, ...]:
        """(C,) rows of each category's proposals as ranked, nearest its centre first; moved by hand before all."""
        order = np.lexsort((-self.rank, self.category))
        ends = np.searchsorted(self.category[order], np.arange(len(self.ids) + 1))
        return tuple(order[start:end] for start, end in pairwise(ends))

    def number_of(self, category_id: int) -> int | None:
        """The dense number of a category, None if there is none of that id or it is rejected."""
        return self.ids.index(category_id) if category_id in self.ids else None


def label_map(decided: Decisions, clusters: int) -> LabelMap:
    """Ids of categories to dense categories, with their names; rows are the K clusters and what was split off.

    Dense numbers follow the ids. A merged category's parts share its number; a rejected one has −1.
    """
    layout = decided.layout
    category_of = _home(layout, clusters)
    live = [k for k in (*range(clusters), *sorted(layout.made)) if k not in layout.into and k not in layout.rejected]
    number = np.full(len(category_of) + 1, REJECTED, np.int32)
    number[live] = np.arange(len(live))
    return LabelMap(number[category_of], tuple(decided.name_of(k) for k in live))


def clusters_now(workspace: Workspace, run: Run) -> int:
    """How many clusters a run has after merges, splits and rejections; 0 before it has any."""
    clusters = int(run.result.get("clusters") or 0)
    return label_map(workspace.decisions_of(run), clusters).C if clusters else 0


def categorise(
    proposal_id: StrArray,
    cluster: IntArray,
    distance: FloatArray,
    clusters: int,
    layout: Layout,
    by: FloatArray | None = None,
) -> Categories:
    """The categories of proposals whose clusters and distances are known.

    `cluster` is (n,) 0…K−1, −1 = unassigned, `distance` (n,) to the own cluster's centre, `clusters` K. `by` (n,) is
    what the filter ranks by, larger where a proposal fits worse; None is the distance.
    """
    id_of = np.asarray(cluster, np.int32).copy()
    ranked_by, by_hand = np.asarray(distance), np.zeros(len(id_of), bool)
    if layout.moved:
        to = LayeredMap.of(layout.moved).plain()
        moved = [(row, p) for row, p in enumerate(proposal_id) if p in to]
        rows = np.array([row for row, _ in moved], np.int64)
        id_of[rows] = [to[p] for _, p in moved]
        by_hand[rows] = [p in layout.by_hand for _, p in moved]
    measured = _among(proposal_id, layout.distance)
    if measured.any():
        ranked_by = ranked_by.copy()
        ranked_by[measured] = [layout.distance[p] for p in proposal_id[measured]]
    accepted, erased = (_among(proposal_id, names) for names in (layout.accepted, layout.erased))
    excluded = excluded_rows(proposal_id, layout)
    id_of[erased | excluded] = REJECTED
    by = None if by is distance else by
    categories = by_id(proposal_id, id_of, ranked_by, clusters, layout, by_hand, by, measured)
    categories.rank[accepted & (categories.category >= 0)] = ALWAYS
    return replace(categories, erased=erased, excluded=excluded)


def excluded_rows(proposal_id: StrArray, layout: Layout) -> BoolMask:
    """(n,) which proposals are of excluded images."""
    if not layout.excluded:
        return np.zeros(len(proposal_id), bool)
    gone = LayeredSet.of(layout.excluded).plain()
    return np.array([image_of(p) in gone for p in proposal_id], bool)


def by_id(
    proposal_id: StrArray,
    id_of: IntArray,
    distance: FloatArray,
    clusters: int,
    layout: Layout,
    by_hand: BoolMask | None = None,
    by: FloatArray | None = None,
    measured: BoolMask | None = None,
) -> Categories:
    """The categories of proposals of which an id, at whatever time it was given, is known; else as `categorise`.

    `measured` (n,) says whose distance a split or a merge measured anew.
    """
    home = np.append(_home(layout, clusters), np.int32(REJECTED))
    id_of = home[id_of]
    labels = label_map(Decisions(layout=layout), clusters)
    category = labels.categories(id_of)
    hand = np.zeros(len(id_of), bool) if by_hand is None else by_hand
    by_distance = np.zeros(labels.C + 1, bool)  # the last is that of −1
    if by is not None and measured is not None:
        by_distance[category[measured & ~hand]] = True
    ranked_by = distance if by is None else np.where(by_distance[category], distance, by)
    rank = filter_rank(category, np.where(hand, -np.inf, ranked_by), proposal_id)
    rank[hand & (category >= 0)] = ALWAYS
    nothing = np.zeros(len(id_of), bool)
    return Categories(labels.ids, id_of, category, distance, hand, nothing, nothing, by_distance[:-1], rank)


def _among(proposal_id: StrArray, names: Container[str]) -> BoolMask:
    """(n,) which proposals are named."""
    return np.array([p in names for p in proposal_id], bool) if names else np.zeros(len(proposal_id), bool)


def _home(layout: Layout, clusters: int) -> IntArray:
    """(highest id + 1,) int32: the id that each id's proposals are under now; −1 for numbers that are no category."""
    home = np.full(max([clusters - 1, *layout.made]) + 1, REJECTED, np.int32)
    live = [*range(clusters), *layout.made]
    home[live] = live
    for gone, now in layout.into.items():
        if gone < len(home):
            home[gone] = now
    return home

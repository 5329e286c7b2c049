"""What a card of a cluster says: its core and what the filter drops, nearest first, and the class it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from comus_core.runs.run_view import RunView
from comus_core.scoring.core_curves import mean_of_known
from comus_core.scoring.score_tables import MatchRow
from comus_core.settings import check_choice
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decisions import Decisions

Order = Literal["size", "number", "name", "tightness", "uncertainty", "confidence", "match"]
CropOrder = Literal["near", "far", "uncertain"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, eq=False)
class ClusterSummary:
    """One category: a cluster, or what a person made of clusters.

    Attributes:
        cluster: its stable id.
        name: as a person named it, else `cluster 7`.
        percent: its filter percentage.
        core: rows of the proposals kept, nearest the centre first.
        filtered: rows of those dropped, nearest the centre first.
        spread: mean cosine distance to the centre, NaN for an empty one; what was in no cluster has none.
        match: the class it stands for, None without ground truth.
        by_hand: how many were moved here by hand.
        confidence: mean score of the proposals, which is their saliency, 0 to 1; NaN for an empty one.
        uncertainty: mean of `uncertainty_of`, NaN for an empty one.
        drawn: ids of the objects that a person drew in it, in no other of these numbers.
    """

    cluster: int
    name: str
    percent: float
    core: IntArray
    filtered: IntArray
    spread: float
    match: MatchRow | None
    by_hand: int = 0
    confidence: float = float("nan")
    uncertainty: float = float("nan")
    drawn: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many proposals it has."""
        return len(self.core) + len(self.filtered)


def summaries(view: RunView, decided: Decisions, matches: Sequence[MatchRow] = ()) -> list[ClusterSummary]:
    """A summary of every category, by id; `matches` are those of `score_tables.match_rows`, if there is a score."""
    categories = view.categories(decided)
    keep, percents = categories.kept(decided), decided.percent_of(categories.ids)
    match_of, unsure = {row.category: row for row in matches}, uncertainty_of(view)
    objects = view.drawn(decided)
    return [
        ClusterSummary(
            cluster=k,
            name=decided.name_of(k),
            percent=percents[k],
            core=rows[keep[rows]],
            filtered=rows[~keep[rows]],
            spread=mean_of_known(categories.distance[rows]),
            match=match_of.get(number),
            by_hand=int(categories.by_hand[rows].sum()),
            confidence=mean_of_known(view.proposals.score[rows]),
            uncertainty=mean_of_known(unsure[rows]),
            drawn=tuple(map(str, objects.ids[objects.category == number])),
        )
        for number, (k, rows) in enumerate(zip(categories.ids, categories.rows, strict=True))
    ]


def ordered(listed: Sequence[ClusterSummary], order: Order, search: str = "") -> list[ClusterSummary]:
    """The summaries whose name or class holds `search`, in an order in which ties go by number.

    `size` is largest first, `tightness` smallest spread first, `uncertainty` the least certain first, `confidence`
    least salient first, `match` highest IoU first. `search` is in any case; "" keeps all.

    Raises:
        SettingsError: an unknown order.
    """
    check_choice("order of the clusters", order, Order)
    keys: dict[str, Callable[[ClusterSummary], Any]] = {
        "size": lambda s: -s.size,
        "number": lambda s: s.cluster,
        "name": lambda s: _natural(s.name),
        "tightness": lambda s: np.inf if np.isnan(s.spread) else s.spread,
        "uncertainty": lambda s: np.inf if np.isnan(s.uncertainty) else -s.uncertainty,
        "confidence": lambda s: np.inf if np.isnan(s.confidence) else s.confidence,
        "match": lambda s: -s.match.iou if s.match else 0.0,
    }
    text = search.strip().casefold()
    chosen = [s for s in listed if text in s.name.casefold() or text in _class_of(s).casefold()]
    return sorted(sorted(chosen, key=lambda s: s.cluster), key=keys[order])


def uncertainty_of(view: RunView) -> FloatArray:
    """(n,) how uncertain it is that a proposal belongs to its cluster, as clusters were made: larger is less certain.

    1 − silhouette, from 0 to 2: above 1 another cluster is nearer on average. A clustering older than that choice has
    the distance to its own centre instead. NaN in no cluster.
    """
    return view.alternatives.get("silhouette", view.distance)


def crop_order(view: RunView, rows: IntArray, order: CropOrder) -> IntArray:
    """Rows as `ClusterSummary` has them, nearest first, put in another order; ties keep theirs.

    Raises:
        SettingsError: an unknown order.
    """
    check_choice("order of the crops", order, CropOrder)
    if order == "uncertain":
        unsure = uncertainty_of(view)[rows]
        return rows[np.argsort(-np.nan_to_num(unsure, nan=-np.inf), kind="stable")]
    return rows[::-1] if order == "far" else rows


def _class_of(summary: ClusterSummary) -> str:
    return (summary.match.class_name if summary.match else None) or ""


def _natural(name: str) -> list[str | int]:
    """So that `cluster 9` comes before `cluster 10`: text and numbers take turns, text first."""
    return [int(part) if place % 2 else part.casefold() for place, part in enumerate(re.split(r"(\d+)", name))]

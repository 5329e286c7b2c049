"""What a card of a cluster says: its core and what the filter drops, nearest first, and the class it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from comus_core.config import check_choice
from comus_core.run_view import RunView
from comus_core.score_tables import MatchRow
from comus_core.types import IntArray
from comus_core.workspace.decisions import Decisions

Order = Literal["size", "number", "name", "tightness", "match"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, eq=False)
class ClusterSummary:
    """One cluster.

    Attributes:
        cluster: its number.
        name: as a person named it, else `cluster 7`.
        percent: its filter percentage.
        core: rows of the proposals kept, nearest the centre first.
        filtered: rows of those dropped, nearest the centre first.
        spread: mean cosine distance to the centre, NaN for an empty cluster.
        match: the class it stands for, None without ground truth.
    """

    cluster: int
    name: str
    percent: float
    core: IntArray
    filtered: IntArray
    spread: float
    match: MatchRow | None

    @property
    def size(self) -> int:
        """How many proposals it has."""
        return len(self.core) + len(self.filtered)


def summaries(view: RunView, decided: Decisions, matches: Sequence[MatchRow] = ()) -> list[ClusterSummary]:
    """A summary of every cluster, by number; `matches` are those of `score_tables.match_rows`, if there is a score."""
    keep, names, percents = view.kept(decided), view.labels(decided).names, decided.percent_of(view.clusters)
    match_of = {row.category: row for row in matches}
    found = []
    for cluster, rows in view.by_distance.items():
        spread = float(view.distance[rows].mean()) if len(rows) else float("nan")
        core, dropped = rows[keep[rows]], rows[~keep[rows]]
        found.append(
            ClusterSummary(cluster, names[cluster], percents[cluster], core, dropped, spread, match_of.get(cluster))
        )
    return found


def ordered(found: Sequence[ClusterSummary], order: Order, search: str = "") -> list[ClusterSummary]:
    """The summaries whose name or class holds `search`, in an order in which ties go by number.

    Args:
        found: what `summaries` answers.
        order: `size` largest first, `number`, `name`, `tightness` smallest spread first, `match` highest IoU first.
        search: any case; "" keeps all.

    Raises:
        SettingsError: an unknown order.
    """
    check_choice("order of the clusters", order, Order)
    keys: dict[str, Callable[[ClusterSummary], Any]] = {
        "size": lambda s: -s.size,
        "number": lambda s: s.cluster,
        "name": lambda s: _natural(s.name),
        "tightness": lambda s: np.inf if np.isnan(s.spread) else s.spread,
        "match": lambda s: -s.match.iou if s.match else 0.0,
    }
    asked = search.strip().casefold()
    chosen = [s for s in found if asked in s.name.casefold() or asked in _class_of(s).casefold()]
    return sorted(sorted(chosen, key=lambda s: s.cluster), key=keys[order])


def _class_of(summary: ClusterSummary) -> str:
    return (summary.match.class_name if summary.match else None) or ""


def _natural(name: str) -> list[str | int]:
    """So that `cluster 9` comes before `cluster 10`: text and numbers take turns, text first."""
    return [int(part) if place % 2 else part.casefold() for place, part in enumerate(re.split(r"(\d+)", name))]

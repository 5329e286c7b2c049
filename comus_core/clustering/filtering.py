"""The core of each cluster: the proposals nearest its centre. Imports only NumPy, so that a slider can use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comus_core.settings import require
from comus_core.types import BoolMask, FloatArray, IntArray, StrArray

ALWAYS = np.inf  # the nearest proposal of a cluster is in the core at every percentage
AT_ZERO = np.nextafter(0.0, 1.0)  # the farthest one is in the core at p = 0 and at no percentage above


def kept(
    cluster: IntArray,
    distance: FloatArray,
    proposal_ids: StrArray | Sequence[str],
    percent: float | Mapping[int, float],
) -> BoolMask:
    """Which proposals are in the core when `percent` of each cluster is filtered (paper section 3.2; method 1.4).

    A cluster's n proposals are ranked by (distance, proposal id), ids compared as plain strings; the first
    ceil((1 - p/100)(n - 1)) are kept. So equal distances never make the count ambiguous, a cluster of one or two keeps
    its nearest proposal at every p, p = 0 keeps all, p = 100 keeps one of each cluster. Other clusters never matter.

    Args:
        cluster: (n,) integers, -1 = unassigned, never kept.
        distance: (n,) to the centre of its cluster; ignored if unassigned.
        proposal_ids: (n,) strings.
        percent: 0 to 100 for all clusters, or by cluster; a cluster without entry keeps all.

    Returns:
        (n,) bool.

    Raises:
        SettingsError: a percentage outside 0 to 100, different lengths, a NaN distance.
    """
    cluster = np.asarray(cluster)
    mask: BoolMask = _percent_of_each(cluster, percent) < filter_rank(cluster, distance, proposal_ids)
    return mask


def filter_rank(cluster: IntArray, distance: FloatArray, proposal_ids: StrArray | Sequence[str]) -> NDArray[np.float64]:
    """The percentage at which each proposal is dropped: it is kept exactly while `percent < filter_rank`.

    With rank r = 0 ... n - 1 in its cluster, r < ceil((1 - p/100)(n - 1)) is the same as p < 100 (n - 1 - r)/(n - 1);
    the quotient of two integers is rounded once, as the decimal p is, so equal numbers stay equal. The arguments are
    those of `kept`.

    Returns:
        (n,) float64: infinite for the nearest of each cluster, barely above 0 for the farthest, 0 if unassigned.

    Raises:
        SettingsError: different lengths, a NaN distance.
    """
    cluster, distance, ids = np.asarray(cluster), np.asarray(distance), np.asarray(proposal_ids)
    _check(cluster, distance, ids)
    assigned = np.flatnonzero(cluster >= 0)
    order = assigned[_order(cluster[assigned], distance[assigned], ids[assigned])]
    rank, last = _rank_in_run(cluster[order])
    share = 100.0 * (last - rank) / np.maximum(last, 1)
    limit = np.zeros(len(cluster))
    limit[order] = np.where(rank == 0, ALWAYS, np.where(rank == last, AT_ZERO, share))
    return limit


def _order(cluster: IntArray, distance: FloatArray, ids: StrArray) -> IntArray:
    by_id = np.argsort(ids, kind="stable")
    return by_id[np.lexsort((distance[by_id], cluster[by_id]))]


def _rank_in_run(ordered: IntArray) -> tuple[IntArray, IntArray]:
    """Each entry's place in its run of equal values, and the last place of that run."""
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(ordered)])
    return np.arange(len(ordered)) - np.repeat(starts, sizes), np.repeat(sizes - 1, sizes)


def _percent_of_each(cluster: IntArray, percent: float | Mapping[int, float]) -> Any:
    values = percent.values() if isinstance(percent, Mapping) else (percent,)
    wrong = [p for p in values if not 0 <= p <= 100]
    require(not wrong, f"filter {wrong[0] if wrong else ''}: must be a percentage from 0 to 100")
    if not isinstance(percent, Mapping):
        return float(percent)
    each = np.zeros(len(cluster))
    for number, value in percent.items():
        each[cluster == number] = value
    return each


def _check(cluster: IntArray, distance: FloatArray, ids: StrArray) -> None:
    sizes = (len(cluster), len(distance), len(ids))
    require(
        len(set(sizes)) == 1,
        f"filter: {sizes[0]} clusters, {sizes[1]} distances and {sizes[2]} proposal ids: numbers must be equal",
    )
    missing = np.flatnonzero(np.isnan(distance) & (cluster >= 0))
    require(
        not len(missing),
        f"filter: {len(missing)} distances are NaN, such as that of proposal "
        f"{ids[missing[0]] if len(missing) else ''}: cluster again, or set its cluster to -1 (unassigned)",
    )

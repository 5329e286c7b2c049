"""How well clusters hold the proposals of one class together, proposal by proposal: no pixels, no network.

The class of a proposal is that of most of its pixels, or, where images have classes as a whole, that of its image.
What has no class (all its pixels ignored, or its image without
ground truth) and what is in no cluster is in none of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from comus_core.evaluation.counts import Counts
from comus_core.evaluation.partitions import adjusted_rand_index, normalised_mutual_information
from comus_core.types import ImageId, IntArray, ProposalId, StrArray

_BLOCK = 2**16  # proposals whose pixels are looked at together
NO_CLASS = -1


@dataclass(frozen=True)
class ClusterQuality:
    """Agreement of clusters and classes over proposals.

    Attributes:
        proposals: how many have both.
        nmi: normalised mutual information, 0…1 (arithmetic mean of the entropies).
        ari: adjusted Rand index, 1 for equal partitions, about 0 by chance.
        accuracy: percent of the proposals in the one cluster that stands for their class: the best assignment one to
            one (Hungarian), of classes or clusters left over none is right.
        purity: percent of the proposals that are of the most frequent class of their cluster.
    """

    proposals: int
    nmi: float
    ari: float
    accuracy: float
    purity: float


def majority_classes(counts: Counts, rows: IntArray) -> IntArray:
    """(n,) the class, background included, of most pixels of each row; of equals the first.

    −1 where there are none: the row is −1, or all of its pixels are ignored. `rows` are (n,) of `Counts.rows_of`.
    """
    majority = np.full(len(rows), NO_CLASS, np.int64)
    counted = np.flatnonzero(rows >= 0)
    for start in range(0, len(counted), _BLOCK):
        some = counted[start : start + _BLOCK]
        pixels = counts.pixels(rows[some])
        majority[some] = np.where(pixels.any(axis=1), pixels.argmax(axis=1), NO_CLASS)
    return majority


def image_classes_of(proposal_ids: Sequence[ProposalId] | StrArray, index_of: Mapping[ImageId, int]) -> IntArray:
    """(n,) the class of the image that each proposal is in, −1 where that is not known."""
    return np.array([index_of.get(str(one).rpartition("#")[0], NO_CLASS) for one in proposal_ids], np.int64)


def cluster_quality(cluster: IntArray, true: IntArray) -> ClusterQuality | None:
    """NMI, ARI, accuracy and purity; None where no proposal has both a cluster and a class.

    Args:
        cluster: (n,) integers, −1 for none.
        true: (n,) the class of each proposal, −1 for none.
    """
    from scipy.optimize import linear_sum_assignment

    there = (np.asarray(cluster) >= 0) & (np.asarray(true) >= 0)
    if not there.any():
        return None
    of_cluster, of_class = np.asarray(cluster)[there], np.asarray(true)[there]
    table = np.zeros((int(of_cluster.max()) + 1, int(of_class.max()) + 1), np.int64)
    np.add.at(table, (of_cluster, of_class), 1)
    rows, classes = linear_sum_assignment(table, maximize=True)
    total = int(table.sum())
    return ClusterQuality(
        proposals=total,
        nmi=normalised_mutual_information(table),
        ari=adjusted_rand_index(table),
        accuracy=100 * int(table[rows, classes].sum()) / total,
        purity=100 * int(table.max(axis=1).sum()) / total,
    )

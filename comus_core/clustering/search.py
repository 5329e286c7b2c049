"""The neighbour search for the graph: exact, approximate for very many points, or on a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from comus_core.clustering.blocks import HERE, Blocks, Columns, Heed
from comus_core.clustering.nearest import nearest, place_among_equals, rank_candidates
from comus_core.config import GraphSearch
from comus_core.machine.threads import thread_count
from comus_core.settings import check_choice, require
from comus_core.types import IntArray, Vectors

EXACT_POINTS = 200_000  # above, the products of all pairs take longer than pynndescent
FEW_POINTS = 1500  # up to here NumPy is faster than loading a compiled loop
SPREAD_POINTS = 20_000  # from here on several workers share an exact search; fewer points take a second
SPARE = 8  # extra neighbours from faiss, whose float32 distances are ranked again


def choose_search(n: int, requested: GraphSearch = "auto") -> GraphSearch:
    """The search for n points: `faiss` if it finds a GPU, else `exact` up to 200,000 points, else `nndescent`.

    Raises:
        SettingsError: an unknown name, or `faiss` is not installed.
    """
    check_choice("graph", requested, GraphSearch)
    if requested == "faiss":
        require(
            find_spec("faiss") is not None,
            "graph 'faiss': faiss is not installed; install faiss-gpu-cuvs (conda) or faiss-cpu, or choose auto",
        )
    if requested != "auto":
        return requested
    if n > FEW_POINTS and _faiss_gpus() > 0:
        return "faiss"
    return "exact" if n <= EXACT_POINTS else "nndescent"


def neighbours_among(
    points: Vectors, neighbours: int, search: GraphSearch, seed: int = 0, blocks: Blocks = HERE
) -> IntArray:
    """(n, k) int32: the k nearest of each of n points, nearest first, including the point itself.

    `exact` ranks by (Euclidean distance, index) and misses nothing. `faiss` compares all pairs in float32 and ranks the
    best k + 8 exactly, so that it may differ among distances equal to 1e-6. `nndescent` (pynndescent) is approximate:
    missing neighbours are -1. `points` are (n, d) finite float32; `search` is from `choose_search`, `seed` of
    pynndescent's random projection trees. Where `blocks` has workers, each finds the neighbours of some points, with
    the same result; the other searches run in this process.
    """
    if search == "faiss":
        return _faiss(points, neighbours)
    if search == "nndescent" and neighbours < len(points):
        return _nndescent(points, neighbours, seed)
    return _exact(points, neighbours, blocks)


def _exact(points: Vectors, neighbours: int, blocks: Blocks) -> IntArray:
    if len(points) <= FEW_POINTS:
        return nearest(points, points, neighbours)[0]
    from comus_core.clustering.all_pairs import nearest_among  # loads numba
    from comus_core.clustering.candidates import pair_squares

    used = np.flatnonzero(place_among_equals(points) < neighbours)  # others are in no point's k nearest
    indices = np.full((len(points), neighbours), -1, np.int32)
    if len(used) > neighbours:
        among = points if len(used) == len(points) else points[used]
        if blocks.workers and len(used) >= SPREAD_POINTS:
            indices[used] = used[_in_blocks(among, neighbours, blocks)]
        else:
            nearest_rows, complete = nearest_among(among, neighbours)
            indices[used[complete]] = used[nearest_rows[complete]]
    remaining = np.flatnonzero(indices[:, 0] < 0)
    if len(remaining):
        indices[remaining] = nearest(points[remaining], points, neighbours, pair_squares)[0]
    return indices


def _in_blocks(points: Vectors, neighbours: int, blocks: Blocks) -> IntArray:
    """(n, k) as of `nearest_among`, every row complete."""
    from comus_core.clustering.search_points import SearchPoints

    arrays = SearchPoints.of(points).arrays()
    found: IntArray = blocks("neighbours", partial(_block, neighbours=neighbours), arrays, len(points))["nearest"]
    return found


def _block(arrays: Mapping[str, Any], rows: slice, heed: Heed, neighbours: int) -> Columns:
    """The neighbours of some of the points among all of them."""
    from comus_core.clustering.query_blocks import nearest_to
    from comus_core.clustering.search_points import SearchPoints

    known = SearchPoints.among(arrays)
    return {"nearest": nearest_to(known.points[rows], known, neighbours, heed)[0]}


def _nndescent(points: Vectors, neighbours: int, seed: int) -> IntArray:
    from pynndescent import NNDescent  # type: ignore[import-untyped]

    index = NNDescent(
        points, "euclidean", n_neighbors=neighbours, random_state=seed, n_jobs=thread_count(), low_memory=True
    )
    indices: IntArray = index.neighbor_graph[0]
    return indices.astype(np.int32)


def _faiss(points: Vectors, neighbours: int) -> IntArray:
    import faiss  # type: ignore[import-not-found]

    index = faiss.IndexFlatL2(points.shape[1])
    if _faiss_gpus() > 0:
        index = faiss.index_cpu_to_all_gpus(index)
    index.add(points)
    candidates = index.search(points, min(neighbours + SPARE, len(points)))[1]
    return rank_candidates(points, candidates, neighbours)


def _faiss_gpus() -> int:
    """Number of GPUs that faiss can use; 0 without faiss."""
    if find_spec("faiss") is None:
        return 0
    import faiss

    return int(faiss.get_num_gpus()) if hasattr(faiss, "get_num_gpus") else 0

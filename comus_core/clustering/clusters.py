"""The clustering stage: vectors in, clusters with their distances out (paper section 3.2; method 1.3, 1.4)."""

from __future__ import annotations

from dataclasses import replace

from comus_core.clustering.blocks import HERE, Blocks
from comus_core.clustering.graph import knn_graph, normalise
from comus_core.clustering.landmarks import draw_landmarks, landmark_count, with_the_rest
from comus_core.clustering.merging import merge_clusters
from comus_core.clustering.method import Problem
from comus_core.clustering.methods import METHODS
from comus_core.clustering.nearest import groups_of_equals
from comus_core.clustering.space import Clusters, Space, mean_clusters, singletons
from comus_core.config import ClusteringSettings
from comus_core.settings import require
from comus_core.types import Vectors


def cluster(
    vectors: Vectors,
    settings: ClusteringSettings,
    clusters: int,
    seed: int,
    *,
    beside: Vectors | None = None,
    components: int | None = None,
    blocks: Blocks = HERE,
) -> Clusters:
    """Group the vectors by the method of the settings.

    `spectral`: neighbour graph, `clusters` leading eigenvectors, k-means (or cluster_qr) on the rows; components much
    smaller than a cluster are attached to others (see `comus_core.clustering.components`), and identical vectors share
    the mean of their rows. `consensus`: what many cheap clusterings agree on, and a classifier for the rest. `umap`:
    k-means after UMAP. `kmeans` (the paper's baseline) and `minibatch-kmeans` work on the vectors. `leiden` cuts the
    neighbour graph into about as many communities; `evoc` finds about as many, or where 1 is asked for their number
    too, and `hdbscan` always chooses the number itself: both leave noise unassigned unless `settings.noise` says
    otherwise.

    Of more points than `landmarks.landmark_count` says, `spectral` clusters so many, drawn by the seed, and the rest
    joins them (`landmarks`); everything said here of identical vectors and numbers of clusters holds then too, but for
    fewer distinct landmarks than clusters, which is an error.

    Clusters are numbered by descending size, then by their first point, so that a label means the same in every
    repetition. Identical vectors are in one cluster. If there are no more distinct vectors than `clusters`, each is its
    own cluster, the vectors are the embedding as with `kmeans`, and there may be fewer clusters than requested.

    With `settings.over_clusters` above `clusters`, that many are computed, in as many eigenvectors, and merged along
    the graph (`merging`). A merged cluster's centre is the mean of its rows in that larger embedding, and its distances
    are to that mean. `hdbscan` does not merge; which components are attached depends on `clusters`.

    Args:
        vectors: (n, d), raw; normalised according to `settings.features`.
        settings: method and its options; `settings.clusters` is ignored in favour of `clusters`.
        clusters: K, 1 to n.
        seed: of every random choice.
        beside: (n, e), raw vectors of a second view of the same points, for `spectral`, which adds its neighbour graph
            to that of the vectors, and `consensus`. Identical points and nearest neighbours of small components depend
            on `vectors` alone. Not in the paper.
        components: eigenvectors of `spectral` without `over_clusters`; None: as many as clusters (the paper's Table 10
            varies them).
        blocks: who finds the neighbours of blocks of points, and puts blocks of the rest into clusters; it changes
            nothing in the result.

    Raises:
        SettingsError: fewer vectors than clusters, too few landmarks, a different number of vectors in `beside` or a
            method that reads no second view, NaN or infinite vectors, a method or search that is not installed.
        ComusError: the eigenvectors do not converge, or the method finds only noise.
    """
    require(clusters >= 1, f"clusters {clusters}: must be at least 1")
    method = METHODS[settings.method]
    method.require_installed()
    wanted = max(clusters, settings.over_clusters)
    count = landmark_count(len(vectors), settings, wanted, one_view=beside is None)
    if count < len(vectors):
        landmarks = draw_landmarks(len(vectors), count, seed)
        alone = replace(settings, landmarks=count)
        found = cluster(vectors[landmarks], alone, clusters, seed, components=components, blocks=blocks)
        return with_the_rest(found, landmarks, vectors, settings, clusters, blocks)
    vectors = normalise(vectors, settings.features)
    if beside is not None:
        require(
            method.two_views,
            f"clustering method {method.name} does not support two views: choose "
            f"{' or '.join(spec.name for spec in METHODS.values() if spec.two_views)}",
        )
        require(
            len(beside) == len(vectors),
            f"{len(vectors)} vectors, but {len(beside)} in the second view",
        )
        beside = normalise(beside, settings.features)
    require(
        len(vectors) >= clusters,
        f"{len(vectors)} proposals are too few for {clusters} clusters: choose fewer (--clusters), or add images",
    )
    group = groups_of_equals(vectors)
    if group.max() < clusters:
        return singletons(vectors, group)
    own_number = method.finds_number and clusters == 1
    first = min(max(clusters, 0 if own_number else settings.over_clusters), int(group.max()) + 1)
    found = method.find(Problem(vectors, group, settings, clusters, first, seed, beside, components, blocks))
    if first == clusters or not method.takes_number:
        return found
    graph = found.graph or knn_graph(vectors, settings.neighbours, settings.graph, seed, blocks)
    space = Space(found.embedding, found.eigenvalues, found.residuals, found.attached_rows, graph, found.precision)
    return mean_clusters(space, group, merge_clusters(graph, found.cluster, clusters))

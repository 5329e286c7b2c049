"""How vectors become clusters, and how their number is estimated."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from comus_core.settings import Positive, Share, require, settings

Normalisation = Literal["raw", "l2"]
ClusteringMethod = Literal["spectral", "consensus", "umap", "kmeans", "minibatch-kmeans", "leiden", "evoc", "hdbscan"]
TWO_VIEWS: tuple[ClusteringMethod, ...] = ("spectral", "consensus")  # read `surroundings`
LEAVE_NOISE: tuple[ClusteringMethod, ...] = ("hdbscan", "evoc")  # read `noise`
NumberBy = Literal["stability", "eigengap", "leiden", "silhouette", "evoc"]
Assignment = Literal["kmeans", "cluster_qr"]
SmallComponents = Literal["attach", "keep"]
Noise = Literal["keep", "nearest"]
GraphSearch = Literal["auto", "exact", "nndescent", "faiss"]


MOST_POINTS = 1_000_000  # so many are clustered as a whole in 12 minutes on two cores, in 6.3 GiB (docs/scale.md)


@settings
class ConsensusSettings:
    """What the clusterings of a consensus differ by, and how many points its classifier learns from."""

    seeds: Positive = 1
    """Clusterings with each neighbourhood, space and granularity, which differ by the start of k-means."""
    neighbourhoods: Positive = 4
    """Sizes of the neighbourhood, from `clustering.neighbours` down to half a mean cluster."""
    components: tuple[Positive, ...] = (64,)
    """Principal components to which the vectors are reduced in further clusterings."""
    whitened: tuple[Positive, ...] = ()
    """Principal components that are brought to the same variance in further clusterings."""
    granularity: tuple[Annotated[float, Field(gt=0, le=10)], ...] = (1.0, 1.5, 2.0)
    """Clusters of a clustering, in shares of the number that is wanted."""
    core: Share = 0.7
    """The classifier learns points of whose companions in the clusterings at least this share is in their cluster."""


@settings
class UmapSettings:
    """The space in which k-means works after UMAP."""

    dimensions: Annotated[int, Field(ge=2, le=100)] = 10
    """Dimensions of the space."""
    neighbours: Annotated[int, Field(ge=2)] = 15
    """Neighbours of each proposal, itself included; the most that few proposals have."""
    least_distance: Annotated[float, Field(ge=0, le=1)] = 0.0
    """How near UMAP puts two points at least; 0 packs clusters densely."""


@settings
class ClusteringSettings:
    """How vectors become clusters (paper section 3.2; method 1.3)."""

    clusters: Annotated[int, Field(ge=2)] | Literal["auto"] | None = None
    """The number of clusters; auto: estimated, see `number_by`. Default: as many as ground-truth classes, else auto."""
    number_by: NumberBy = "stability"
    """The estimate of the number of clusters that auto takes."""
    over_clusters: Annotated[int, Field(ge=0)] = 0
    """Cluster into this many first, then merge along the graph down to `clusters`; 0: do not."""
    method: ClusteringMethod = "spectral"
    """The clustering algorithm."""
    features: Normalisation = "l2"
    """raw: vectors as the encoder gives them; l2: scaled to unit length."""
    neighbours: Annotated[int, Field(ge=2)] = 30
    """Neighbours of each proposal in the k-NN graph, itself included."""
    n_init: Positive = 10
    """Restarts of k-means."""
    graph: GraphSearch = "auto"
    """How neighbours are searched; auto: exact up to 200,000 proposals."""
    assignment: Assignment = "kmeans"
    """How rows of the spectral embedding become clusters."""
    landmarks: Annotated[int, Field(ge=0)] = 0
    """Of `spectral`: proposals that are clustered, the rest joins them; 0: all up to 1,000,000, else so many."""
    small_components: SmallComponents = "attach"
    """Small components of the graph: attach each to its nearest, or keep each as a cluster."""
    noise: Noise = "keep"
    """What `hdbscan` and `evoc` leave out: keep it in no cluster, or give it to the cluster of its nearest."""
    surroundings: Annotated[float, Field(ge=0, le=4)] = 0.0
    """Share of its sides added to each box for a second view, where the method reads two; 0: none (paper)."""
    consensus: ConsensusSettings = field(default_factory=ConsensusSettings)
    """Of the method `consensus`."""
    umap: UmapSettings = field(default_factory=UmapSettings)
    """Of the method `umap`, and of the silhouette by which the number of clusters and encoders are chosen."""

    def __post_init__(self) -> None:
        require(self.over_clusters != 1, "over_clusters 1: must be 0 or at least 2")
        require(
            not (self.landmarks and self.method != "spectral"),
            f"landmarks {self.landmarks}: {self.method} clusters all proposals and has none: set them to 0, or choose "
            "spectral (clustering.method)",
        )
        require(
            not (self.landmarks and self.surroundings),
            f"landmarks {self.landmarks}: a second view (surroundings {self.surroundings:g}) has none: set one of them "
            "to 0",
        )

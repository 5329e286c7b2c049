"""Finished artifacts read back as the types the rooms speak: no torch, no work, nothing cached here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comus_core.clustering.curves import HowMany
from comus_core.config import FilterBy
from comus_core.errors import WorkspaceError
from comus_core.evaluation.counts import Counts
from comus_core.evaluation.image_rows import ImageRows
from comus_core.proposals.stored_masks import StoredMasks
from comus_core.proposals.table import SCHEMA, Proposals
from comus_core.runs.categories import Categories, categorise
from comus_core.saliency.soft_maps import dequantise, from_png
from comus_core.types import MAP_METHODS, BoolMask, FloatArray, IntArray, SoftMap, StrArray, Vectors
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE
from comus_core.workspace.decisions import Decisions

HOW_MANY = "how_many.json"


@dataclass(frozen=True)
class ClusterTable:
    """Clusters of n proposals, rows in the order of `proposal_id`.

    Attributes:
        proposal_id: (n,) str.
        cluster: (n,) int32, −1 unassigned.
        distance: (n,) float32, cosine to the own centre in the embedding.
        count: K, how many clusters were made.
        alternatives: name -> (n,) float32, what else the filter may rank by; empty where it was not computed.
    """

    proposal_id: StrArray
    cluster: IntArray
    distance: FloatArray
    count: int
    alternatives: Mapping[str, FloatArray] = field(default_factory=dict)

    def ranked_by(self, name: FilterBy) -> FloatArray:
        """What the filter ranks by, larger where a proposal fits worse.

        Raises:
            WorkspaceError: the clustering does not have it.
        """
        return ranking(name, self.distance, self.alternatives)


@dataclass(frozen=True, eq=False)
class StoredEmbedding:
    """In what clusters were found.

    Attributes:
        rows: (n, k) float32, memory-mapped and read-only.
        centres: (K, k) float32 of the clusters.
        eigenvalues: (k,) float64; none where the embedding is not spectral.
        attached: (m,) rows of small components that were attached to others.
        landmarks: (l,) rows of the proposals that were clustered, where the others joined them; None: all were.
    """

    rows: FloatArray
    centres: FloatArray
    eigenvalues: FloatArray
    attached: IntArray
    landmarks: IntArray | None = None

    def of_graph(self, vectors: Vectors) -> tuple[Vectors, FloatArray, FloatArray, IntArray]:
        """What was in the graph, for `nystrom`: of (n, d) vectors and rows those, the eigenvalues, and the attached."""
        if self.landmarks is None:
            return vectors, self.rows, self.eigenvalues, self.attached
        attached = np.flatnonzero(np.isin(self.landmarks, self.attached))
        return vectors[self.landmarks], np.asarray(self.rows[self.landmarks]), self.eigenvalues, attached


def ranking(name: FilterBy, distance: FloatArray, alternatives: Mapping[str, FloatArray]) -> FloatArray:
    """One of what the filter may rank by.

    Raises:
        WorkspaceError: the clustering does not have it.
    """
    if name == "distance":
        return distance
    if name not in alternatives:
        raise WorkspaceError(f"filter by {name}: this clustering is older than that choice; `comus run` it again")
    return alternatives[name]


def usable_ids(images: Artifact) -> list[str]:
    """Ids of the images that could be read, in id order."""
    table = images.table(["image_id", "reason"])
    return [i for i, reason in zip(*(c.to_pylist() for c in table.columns), strict=True) if reason is None]


def skipped_files(images: Artifact) -> list[dict[str, str]]:
    """{path, reason} of each file that was set aside on looking at it."""
    rows = images.table(["path", "reason"]).to_pylist()
    return [row for row in rows if row["reason"] is not None]


def notes(images: Artifact) -> list[dict[str, str]]:
    """{path, note} of each usable file that was read in an unusual way."""
    rows = images.table(["path", "note"]).to_pylist()
    return [row for row in rows if row["note"] is not None]


def image_sizes(images: Artifact) -> dict[str, tuple[int, int]]:
    """Usable image id -> (height, width)."""
    rows = images.table(["image_id", "height", "width", "reason"]).to_pylist()
    return {r["image_id"]: (r["height"], r["width"]) for r in rows if r["reason"] is None}


def largest_image(images: Artifact) -> int:
    """Pixels of the largest usable image; 0 where none is."""
    return max((height * width for height, width in image_sizes(images).values()), default=0)


def read_proposals(artifact: Artifact) -> Proposals:
    """The proposals of a run, masks and all."""
    return Proposals.from_table(artifact.table())


def read_proposals_lightly(artifact: Artifact) -> Proposals:
    """The proposals of a run; a mask is read when it is asked for."""
    columns = [name for name in SCHEMA.names if name != "rle"]
    with artifact.reading(TABLE) as file:
        return Proposals.from_table(artifact.table(columns), StoredMasks(file))


def rows_by_image(proposals: Proposals) -> dict[str, list[int]]:
    """Image id -> rows of its proposals, images in the order of the table."""
    rows: dict[str, list[int]] = {}
    for row, image_id in enumerate(proposals.image_id):
        rows.setdefault(image_id, []).append(row)
    return rows


def read_vectors(artifact: Artifact) -> tuple[StrArray, Vectors]:
    """Proposal ids (n,) and raw vectors (n, d), memory-mapped and read-only."""
    ids = artifact.table().column("proposal_id").to_numpy().astype(object)
    with artifact.reading("vectors.npy") as file:
        return ids, np.load(file, mmap_mode="r", allow_pickle=False)


def vector_count(artifact: Artifact) -> int:
    """How many vectors there are; reads none."""
    with artifact.reading("vectors.npy") as file:
        return len(np.load(file, mmap_mode="r", allow_pickle=False))


def vectors_of(artifact: Artifact, proposal_ids: StrArray) -> Vectors:
    """(n, d) raw vectors of these proposals, in their order.

    Raises:
        WorkspaceError: the artifact holds none of one of them.
    """
    ids, vectors = read_vectors(artifact)
    if np.array_equal(ids, proposal_ids):
        return vectors
    row_of = {proposal_id: row for row, proposal_id in enumerate(ids)}
    missing = next((i for i in proposal_ids if i not in row_of), None)
    if missing is not None:
        folder = artifact.file("vectors.npy").parent
        raise WorkspaceError(
            f"{artifact.kind}: proposal {missing} has no vector in {folder}; delete that folder and run again: only "
            "what is missing is computed"
        )
    return np.asarray(vectors[[row_of[i] for i in proposal_ids]])


def read_clusters(artifact: Artifact) -> ClusterTable:
    """The clusters of a run."""
    table = artifact.table()
    with artifact.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
        count = len(spectrum["centres"])
    ids = table.column("proposal_id").to_numpy().astype(object)
    column = {name: table.column(name).to_numpy() for name in table.column_names if name != "proposal_id"}
    alternatives = {name: column[name] for name in get_args(FilterBy) if name in column and name != "distance"}
    return ClusterTable(ids, column["cluster"], column["distance"], count, alternatives)


def read_embedding(artifact: Artifact) -> StoredEmbedding:
    """The embedding of a run, rows as in the table of clusters."""
    with artifact.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
        centres, eigenvalues, attached = (spectrum[k] for k in ("centres", "eigenvalues", "attached_rows"))
        landmarks = spectrum["landmark_rows"] if "landmark_rows" in spectrum.files else None
    with artifact.reading("embedding.npy") as file:
        rows = np.load(file, mmap_mode="r", allow_pickle=False)
    return StoredEmbedding(rows, centres, eigenvalues, attached, landmarks)


def read_how_many(artifact: Artifact) -> HowMany:
    """What was found out about the number of clusters."""
    with artifact.reading(HOW_MANY) as file:
        return HowMany.from_json(json.loads(file.read_text()))


def clustering_facts(artifact: Artifact) -> dict[str, Any]:
    """How the clusters of a run were found: `search` of neighbours, `components`, `attached` points, `precision`.

    And `landmarks`, how many proposals were clustered, where the others joined them.
    """
    with artifact.reading("spectrum.npz") as file, np.load(file, allow_pickle=False) as spectrum:
        facts = {name: spectrum[name].item() for name in ("search", "components", "attached", "precision")}
        return facts | ({"landmarks": len(spectrum["landmark_rows"])} if "landmark_rows" in spectrum.files else {})


def read_counts(artifact: Artifact) -> Counts:
    """The pixel counts of a run, read part by part: all at once they would be 130 MB for 100,000 proposals."""
    with artifact.reading(TABLE) as path, pq.ParquetFile(path) as file:
        return Counts.from_batches(file.schema_arrow, file.iter_batches(4096))


def read_round_counts(counts: Artifact, categories: int) -> ImageRows:
    """The pixel counts of a trained round, read part by part: those of 5,000 images and 81 classes are 260 MB dense."""
    with counts.reading(TABLE) as path, pq.ParquetFile(path) as file:
        width = file.schema_arrow.field("values").type.list_size
        parts = [ImageRows.of_tables([], np.zeros((0, categories + 1, width // (categories + 1)), np.int64))]
        for batch in file.iter_batches(256):
            values = batch.column("values").flatten().to_numpy().reshape(batch.num_rows, categories + 1, -1)
            parts.append(ImageRows.of_tables(batch.column("image_id").to_pylist(), values))
    return ImageRows.joined(parts)


def read_projection(artifact: Artifact, method: str) -> tuple[StrArray, FloatArray]:
    """Proposal ids (n,) and points (n, 2) of one of `types.MAP_METHODS`.

    Raises:
        WorkspaceError: the artifact is older than that projection.
    """
    if method not in projections(artifact):
        raise WorkspaceError(f"map {method}: this run is older than that projection; `comus run` it again")
    table = artifact.table(["proposal_id", f"{method}_x", f"{method}_y"])
    ids, x, y = (column.to_numpy() for column in table.columns)
    return ids.astype(object), np.stack([x, y], axis=1)


def projections(artifact: Artifact) -> tuple[str, ...]:
    """Which of `types.MAP_METHODS` the artifact holds, in that order."""
    with artifact.reading(TABLE) as file:
        names = pq.read_schema(file).names
    return tuple(method for method in MAP_METHODS if f"{method}_x" in names)


def read_soft_map(artifact: Artifact, image_id: str) -> bytes | None:
    """PNG bytes of one image's soft map, or None if the image has none."""
    return read_soft_map_files(artifact, [image_id]).get(image_id)


def read_soft_maps(artifact: Artifact, image_ids: Sequence[str]) -> list[SoftMap]:
    """The soft maps of some images, (h, w) float32 in [0, 1] each, in the order asked for."""
    png_of = read_soft_map_files(artifact, image_ids)
    return [soft_map_of(png_of[image_id]) for image_id in image_ids]


def read_soft_map_files(artifact: Artifact, image_ids: Sequence[str]) -> dict[str, bytes]:
    """The soft maps of some images as they are stored: id -> bytes of a PNG file; only their row groups are read."""
    return {row["image_id"]: row["png"] for row in _map_rows(artifact, image_ids, ("image_id", "png"))}


def read_object_maps(artifact: Artifact, image_ids: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
    """The soft maps of some images: id -> (h, w) uint8, or (n, h, w) of a detector that tells objects apart."""
    rows = _map_rows(artifact, image_ids, ("image_id", "png", "objects"))
    return {row["image_id"]: stored_maps(row) for row in rows}


def _map_rows(artifact: Artifact, image_ids: Sequence[str], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of some images in a table of soft maps, in its order, with those of the columns that there are."""
    with artifact.reading(TABLE) as path, pq.ParquetFile(path) as file:
        there = [name for name in columns if name in file.schema_arrow.names]
        wanted = pc.is_in(file.read(["image_id"]).column(0), pa.array(image_ids, pa.string()))
        rows = np.flatnonzero(wanted.to_numpy())
        lengths = [file.metadata.row_group(part).num_rows for part in range(file.metadata.num_row_groups)]
        ends = np.cumsum(lengths, dtype=np.int64)
        groups = np.searchsorted(ends, rows, side="right")
        for part in np.unique(groups).tolist():
            table = file.read_row_group(part, columns=there)
            yield from table.take(rows[groups == part] - (ends[part] - lengths[part])).to_pylist()


def stored_maps(row: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The maps of an image, from its row of the table: (n, h, w) of its objects, else (h, w)."""
    whole = from_png(row["png"])
    if "objects" not in row:
        return whole
    return from_png(row["objects"]).reshape(-1, *whole.shape) if row["objects"] is not None else whole[None][:0]


def soft_map_of(png: bytes) -> SoftMap:
    """A stored soft map, (h, w) float32 in [0, 1]."""
    return dequantise(from_png(png))


def categories_of(table: ClusterTable, decided: Decisions) -> Categories:
    """The categories of a run's proposals as decided, rows as in the table, ranked as the decided filter ranks.

    Raises:
        WorkspaceError: the clustering does not have what the filter ranks by.
    """
    by = table.ranked_by(decided.filter_by)
    return categorise(table.proposal_id, table.cluster, table.distance, table.count, decided.layout, by)


def decided_rows(
    proposals: Proposals, table: ClusterTable, decided: Decisions
) -> tuple[Categories, IntArray, BoolMask]:
    """The categories; and category (n,) int32 and kept (n,) bool of each row of `proposals`, joined by id.

    Which masks are erased is in `decided.layout`.
    """
    row_of = {proposal_id: row for row, proposal_id in enumerate(table.proposal_id)}
    rows = np.array([row_of.get(p, -1) for p in proposals.proposal_id], dtype=np.int64)
    categories = categories_of(table, decided)
    category = np.where(rows >= 0, categories.category[rows], -1)
    return categories, category.astype(np.int32), np.where(rows >= 0, categories.kept(decided)[rows], False)

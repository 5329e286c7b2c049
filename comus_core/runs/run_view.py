"""A finished run opened for looking at: every column aligned with the proposals, joined once by id. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comus_core.config import FilterBy
from comus_core.errors import WorkspaceError
from comus_core.evaluation.counts import Counts
from comus_core.proposals.table import Proposals
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories, categorise, label_map
from comus_core.runs.drawn_objects import DrawnObjects, drawn_objects
from comus_core.runs.label_map import LabelMap
from comus_core.runs.redrawn_counts import with_redrawn_counts
from comus_core.runs.redrawn_masks import with_redrawn
from comus_core.runs.run_truth import truth_of_run
from comus_core.types import BoolMask, FloatArray, IntArray, StrArray, Vectors
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredSet
from comus_core.workspace.layout import Layout, image_of

H = TypeVar("H")

HELD = 8  # layouts and rankings of which the categories are held: what is decided, and what was just before
HELD_MASKS = 3  # the same of tables with redrawn masks, which are larger


@dataclass(frozen=True, eq=False)
class RunView:
    """One run's proposals, n rows, and what is known of each. Treat every array as read-only.

    Attributes:
        cluster: (n,) int32, −1 unassigned; `categories` says what a person made of the clusters.
        distance: (n,) float32, cosine to the own cluster's centre.
        alternatives: name -> (n,) float32, what else the filter may rank by.
        clusters: K.
        image_row: (n,) int64, the row of each proposal's image in the image columns.
        image_ids: (m,) ids of the usable images, sorted.
        image_paths: (m,) paths below `images_root`.
        image_sizes: (m, 2) height, width.
        classes: ground-truth class names, background first; empty without ground truth.
    """

    run: Run
    workspace: Workspace
    proposals: Proposals
    cluster: IntArray
    distance: FloatArray
    clusters: int
    image_row: IntArray
    image_ids: StrArray
    image_paths: StrArray
    image_sizes: IntArray
    classes: tuple[str, ...]
    alternatives: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.proposals)

    def image_path(self, image_row: int) -> Path:
        """The file of an image, absolute."""
        return self.workspace.images_root(self.run) / str(self.image_paths[image_row])

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Proposal id -> row."""
        return {p: row for row, p in enumerate(self.proposals.proposal_id)}

    @cached_property
    def image_row_of(self) -> dict[str, int]:
        """Image id -> row of the image columns."""
        return {i: row for row, i in enumerate(self.image_ids)}

    @cached_property
    def rows_of_image(self) -> dict[str, list[int]]:
        """Image id -> rows of its proposals; an image with nothing salient is not in it."""
        return tables.rows_by_image(self.proposals)

    @property
    def has_truth(self) -> bool:
        """Whether its pixels were counted against ground truth."""
        return "counts" in self.run.artifacts

    @cached_property
    def counts(self) -> Counts | None:
        """Pixel counts, or None without ground truth; read when first asked for, since the map needs none of them."""
        if not self.has_truth:
            return None
        counts = tables.read_counts(self.workspace.artifact(self.run, "counts"))
        of_image = _shared(counts.image_id, self.image_ids)
        of_proposal = _shared(counts.proposal_id, self.proposals.proposal_id)
        return replace(counts, image_id=of_image, proposal_id=of_proposal)

    @cached_property
    def count_rows(self) -> IntArray:
        """(n,) each proposal's row in `counts`, −1 where not counted or without ground truth."""
        if self.counts is None:
            return np.full(len(self), -1, np.int64)
        return self.counts.rows_of(list(self.proposals.proposal_id))

    def counted(self, decided: Decisions) -> tuple[Counts, IntArray] | None:
        """The counts of all images that are not excluded, by the masks that a person drew, and `count_rows` in them.

        Returns:
            None without ground truth.

        Raises:
            DatasetError: as `counts_of`.
        """
        counts, excluded = self.counts_of(decided), decided.layout.excluded
        if counts is None:
            return None
        if not excluded:
            return counts, self.count_rows

        def make() -> tuple[Counts, IntArray]:
            left = counts.without(LayeredSet.of(excluded).plain())
            return left, left.find(list(self.proposals.proposal_id))  # none may be left, only drawn objects

        return _held(self._counted, (excluded, decided.layout.redrawn), make)

    @cached_property
    def _counted(self) -> list[tuple[Any, tuple[Counts, IntArray]]]:
        return []

    def is_excluded(self, decided: Decisions) -> BoolMask:
        """(m,) which images are excluded."""
        gone = LayeredSet.of(decided.layout.excluded).plain()
        return np.array([i in gone for i in self.image_ids], bool) if gone else np.zeros(len(self.image_ids), bool)

    @cached_property
    def truth_class(self) -> IntArray:
        """(n,) the foreground class that fills most of the proposal, 0 if there is none, −1 where not counted."""
        return self._truth_class(self.counts, self.count_rows)

    def truth_class_of(self, decided: Decisions) -> IntArray:
        """The same of the masks that a person drew."""
        if not decided.layout.redrawn:
            return self.truth_class
        return self._truth_class(self.counts_of(decided), self.count_rows)

    def drawn_truth_class(self, decided: Decisions) -> IntArray:
        """(m,) the same of the drawn objects."""
        counts, ids = self.counts_of(decided), self.drawn(decided).ids
        rows = np.full(len(ids), -1, np.int64) if counts is None else np.asarray(counts.find(ids), np.int64)
        return self._truth_class(counts, rows)

    def _truth_class(self, counts: Counts | None, rows: IntArray) -> IntArray:
        truth = np.full(len(rows), -1, np.int32)
        if counts is None:
            return truth
        counted = rows >= 0
        foreground = counts.values[rows[counted], 1:]
        most, which = foreground.max(axis=1).toarray().ravel(), np.asarray(foreground.argmax(axis=1)).ravel()
        truth[counted] = np.where(most > 0, which + 1, 0)
        return truth

    def labels(self, decided: Decisions) -> LabelMap:
        """Categories and names as decided."""
        return label_map(decided, self.clusters)

    def categories(self, decided: Decisions) -> Categories:
        """The proposals in their categories and ranked as decided; names and percentages do not matter.

        Raises:
            WorkspaceError: the clustering does not have what the filter ranks by.
        """
        layout, by = decided.layout, decided.filter_by
        for known, ranked_by, categories in self._categories:
            if ranked_by == by and (known is layout or known == layout):
                return categories
        values = tables.ranking(by, self.distance, self.alternatives)
        categories = categorise(self.proposals.proposal_id, self.cluster, self.distance, self.clusters, layout, values)
        self._categories.insert(0, (layout, by, categories))
        del self._categories[HELD:]
        return categories

    @cached_property
    def _categories(self) -> list[tuple[Layout, FilterBy, Categories]]:
        return []

    def kept(self, decided: Decisions) -> BoolMask:
        """(n,) which proposals are in the core under the decided filter."""
        return self.categories(decided).kept(decided)

    def coverage(self, decided: Decisions) -> float:
        """Share (0…1) of the foreground proposals that the decided filter keeps."""
        return self.categories(decided).coverage(decided)

    def masks(self, decided: Decisions) -> Proposals:
        """The proposals with the masks that a person drew: their boxes, areas and run lengths differ, nothing else."""
        redrawn = decided.layout.redrawn
        if not redrawn:
            return self.proposals
        return _held(self._masks, redrawn, lambda: with_redrawn(self.proposals, self.row_of, redrawn))

    def drawn(self, decided: Decisions) -> DrawnObjects:
        """The objects that a person drew, in their categories as decided."""
        layout = decided.layout

        def make() -> DrawnObjects:
            image_row = self.image_row_of
            images = {image_of(i) for i in layout.drawn} & image_row.keys()
            return drawn_objects(layout, self.clusters, {i: self.image_sizes[image_row[i]] for i in images})

        return _held(self._drawn, layout, make) if layout.drawn else self._nothing_drawn

    @cached_property
    def _drawn(self) -> list[tuple[Any, DrawnObjects]]:
        return []

    @cached_property
    def _nothing_drawn(self) -> DrawnObjects:
        return drawn_objects(Layout(), self.clusters, {})

    @cached_property
    def _masks(self) -> list[tuple[Any, Proposals]]:
        return []

    def counts_of(self, decided: Decisions) -> Counts | None:
        """Pixel counts of the masks that a person drew: the rows of `counts`, then those of drawn objects.

        Returns:
            None without ground truth.

        Raises:
            DatasetError: an image with a redrawn mask has to be counted, and its ground truth is gone or has changed.
        """
        redrawn = decided.layout.redrawn
        if self.counts is None or not redrawn:
            return self.counts
        stored = self.counts

        def make() -> Counts:
            rows, drawn = sorted(self.row_of[p] for p in redrawn if p in self.row_of), self.drawn(decided)
            image_ids = dict.fromkeys([*self.proposals.image_id[rows].tolist(), *drawn.rows_of_image])
            rows_of = {i: (self.rows_of_image.get(i, []), drawn.rows_of_image.get(i, [])) for i in image_ids}
            key, cache = self.run.artifacts["counts"], self.workspace.redrawn_counts
            truth = lambda: truth_of_run(self.workspace, self.run)  # noqa: E731
            masks = self.masks(decided)
            return with_redrawn_counts(stored, self.count_rows, masks, drawn.proposals, rows_of, cache, key, truth)

        return _held(self._counts, redrawn, make)

    @cached_property
    def _counts(self) -> list[tuple[Any, Counts]]:
        return []

    def vectors(self) -> Vectors:
        """(n, d) raw vectors in the order of the proposals."""
        ids, vectors = tables.read_vectors(self.workspace.artifact(self.run, "features"))
        ordered: Vectors = vectors[rows_in(ids, self.proposals.proposal_id, "features")]
        return ordered

    def embedding(self) -> FloatArray:
        """(n, k) float32 in which the clusters were found, in the order of the proposals."""
        artifact = self.workspace.artifact(self.run, "clustering")
        ids = tables.read_clusters(artifact).proposal_id
        with artifact.reading("embedding.npy") as file:
            embedding: FloatArray = np.load(file, mmap_mode="r", allow_pickle=False)
        ordered: FloatArray = embedding[rows_in(ids, self.proposals.proposal_id, "clustering")]
        return ordered

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Which of `types.MAP_METHODS` the run's map can show; none before its projection."""
        known = "projection" in self.run.artifacts
        return tables.projections(self.workspace.artifact(self.run, "projection")) if known else ()

    def points(self, method: str) -> FloatArray:
        """(n, 2) float32 map coordinates, read once; `method` is one of `methods`."""
        if method not in self._points:
            ids, points = tables.read_projection(self.workspace.artifact(self.run, "projection"), method)
            self._points[method] = points[rows_in(ids, self.proposals.proposal_id, "projection")]
        return self._points[method]

    @cached_property
    def _points(self) -> dict[str, FloatArray]:
        return {}


def open_run_view(workspace: Workspace, run: Run) -> RunView:
    """Open a run that has clusters.

    Raises:
        WorkspaceError: the run is not so far yet, or an artifact is gone.
    """
    images = workspace.artifact(run, "images").table(["image_id", "path", "height", "width", "reason"])
    images = images.filter(pc.is_null(images.column("reason")))
    image_ids, paths = (images.column(name).to_numpy().astype(object) for name in ("image_id", "path"))
    sizes = np.stack([images.column(name).to_numpy() for name in ("height", "width")], axis=1).astype(np.int64)
    proposals = tables.read_proposals_lightly(workspace.artifact(run, "proposals"))
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    order = rows_in(table.proposal_id, proposals.proposal_id, "clustering")
    image_row = _places(proposals.image_id, image_ids)
    if (image_row < 0).any():
        stray = proposals.image_id[image_row < 0][0]
        raise WorkspaceError(f"image '{stray}' has proposals but is not among the run's images: run the stage again")
    proposals = replace(proposals, image_id=image_ids[image_row])  # the very same strings: a copy of each takes room
    return RunView(
        run=run,
        workspace=workspace,
        proposals=proposals,
        cluster=table.cluster[order],
        distance=table.distance[order],
        clusters=table.count,
        image_row=image_row,
        image_ids=image_ids,
        image_paths=paths,
        image_sizes=sizes,
        classes=tuple(run.provenance["classes"]),
        alternatives={name: values[order] for name, values in table.alternatives.items()},
    )


def rows_in(have: StrArray, wanted: StrArray, kind: str) -> Any:
    """The rows of `wanted` in `have`: all of them as they are, which copies nothing, or their numbers."""
    if len(have) == len(wanted) and bool((np.asarray(have) == np.asarray(wanted)).all()):
        return slice(None)
    rows = _places(wanted, have)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        raise WorkspaceError(f"{kind} has no row for proposal '{wanted[missing[0]]}': run the stage again")
    return rows


def _held(known: list[tuple[Any, H]], decided: Any, make: Callable[[], H]) -> H:
    """What was made for these decisions, such as redrawn masks, else made now and held."""
    for key, value in known:
        if key is decided or key == decided:
            return value
    value = make()
    known.insert(0, (decided, value))
    del known[HELD_MASKS:]
    return value


def _shared(ids: StrArray, known: StrArray) -> StrArray:
    """The same ids, as the very strings of `known` where they are among them: of 100,000 rows each copy takes 7 MB."""
    rows = _places(ids, known)
    return np.where(rows < 0, ids, known[rows]) if len(known) else ids


def _places(ids: StrArray, among: StrArray) -> IntArray:
    """(n,) the place of each id among others, −1 for none."""
    wanted, known = (pa.array(np.asarray(values, object), pa.string()) for values in (ids, among))
    places: IntArray = pc.index_in(wanted, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
    return places

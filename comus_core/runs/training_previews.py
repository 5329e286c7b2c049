"""The previews of a network in training: on which images, how they are scored, where their masks lie. No torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from comus_core.datasets.records import Dataset, GroundTruth
from comus_core.errors import WorkspaceError
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs import artifact_readers as tables
from comus_core.training.preview_plan import FOLDER, IMAGES, Classify, PreviewImages, PreviewPlan, preview_file
from comus_core.types import BoolMask, FloatArray, ImageId, IndexMask, IntArray, StrArray
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.decisions import Decisions

V = TypeVar("V")

EXAMPLES = 6  # images whose masks are kept
SCORED = 48  # images with ground truth that a preview is scored on, at most


def plan_previews(
    every: int,
    examples: PreviewImages,
    scored: PreviewImages,
    truth: GroundTruth | None,
    categories: int,
    score: Callable[[IntArray], float],
    classify: Classify | None = None,
) -> PreviewPlan:
    """Previews of some examples, scored on some images of which there is ground truth."""

    def count(image_id: ImageId, mask: IndexMask) -> IntArray:
        assert truth is not None, "nothing is scored without ground truth"
        return count_prediction(image_id, mask, truth.mask(image_id), truth.ignore, categories, len(truth.classes))

    return PreviewPlan(every, examples, scored, count, score, classify)


def scored_ids(dataset: Dataset, usable: Sequence[ImageId]) -> tuple[ImageId, ...]:
    """Some of the `usable` images of a data set to score previews on: evenly spread over those with ground truth."""
    truth = dataset.truth
    return tuple(spread([i for i in usable if truth is not None and truth.has(i)], SCORED))


def images_to_preview(dataset: Dataset, ids: tuple[ImageId, ...], soft_maps: Artifact | None) -> PreviewImages:
    """Images of a data set; their soft maps, if there are any, are read once and stay in memory as their PNG files."""
    if soft_maps is None:
        return PreviewImages(ids, dataset.read)
    stored = tables.read_soft_map_files(soft_maps, ids)
    return PreviewImages(ids, dataset.read, lambda image_id: tables.soft_map_of(stored[image_id]))


def example_ids(workspace: Workspace, run: Run, decided: Decisions) -> tuple[ImageId, ...]:
    """A run's example images under a filter, the same at every call."""
    proposals = tables.read_proposals_lightly(workspace.artifact(run, "proposals"))
    clusters = tables.read_clusters(workspace.artifact(run, "clustering"))
    categories, category, keep = tables.decided_rows(proposals, clusters, decided)
    distance_of = dict(zip(clusters.proposal_id, categories.distance, strict=True))
    distance = np.array([distance_of.get(p, np.inf) for p in proposals.proposal_id], np.float64)
    return choose_examples(proposals.image_id, category, keep, distance)


def choose_examples(
    image_id: StrArray, category: IntArray, kept: BoolMask, distance: FloatArray, most: int = EXAMPLES
) -> tuple[ImageId, ...]:
    """Images spread over the categories that have kept proposals, neither the purest of each nor the worst.

    Args:
        image_id: (n,) the image of each proposal.
        category: (n,) −1 = none.
        kept: (n,) in the core.
        distance: (n,) to the own centre.
        most: how many images at most, each once.

    Returns:
        Ids by category; of each category the proposals nearest the middle of its kept ones come first.
    """
    queues = []
    for number in np.unique(category[kept & (category >= 0)]):
        rows = np.flatnonzero(kept & (category == number))
        rows = rows[np.lexsort((image_id[rows].astype(str), distance[rows]))]
        from_middle = np.argsort(np.abs(np.arange(len(rows)) - (len(rows) - 1) / 2), kind="stable")
        queues.append([str(image_id[row]) for row in rows[from_middle]])
    chosen: list[list[ImageId]] = [[] for _ in queues]
    taken: set[ImageId] = set()
    order = spread(range(len(queues)), most)
    while len(taken) < most and any(queues[k] for k in order):
        for k in order:
            fresh = next((i for i in queues[k] if i not in taken), None)
            queues[k] = [i for i in queues[k] if i not in taken and i != fresh]
            if fresh is not None and len(taken) < most:
                chosen[k].append(fresh)
                taken.add(fresh)
    return tuple(i for of_category in chosen for i in of_category)


def spread(values: Sequence[V], most: int) -> list[V]:
    """At most so many of the values, evenly spread, in order."""
    if len(values) <= most:
        return list(values)
    return [values[k * len(values) // most] for k in range(most)]


def previewed_images(workspace: Workspace, network: str) -> list[ImageId]:
    """The examples of a network by its fingerprint, in order; empty if it had no preview."""
    for folder in _folders(workspace, network):
        path = folder / FOLDER / IMAGES
        if path.is_file():
            return [str(i) for i in json.loads(path.read_text())]
    return []


def previewed_mask(workspace: Workspace, network: str, step: int, image_id: ImageId) -> IndexMask:
    """What a network, finished or in training, predicted for an example at a step: (H, W), 0 background.

    Raises:
        WorkspaceError: there was no such preview.
    """
    known = previewed_images(workspace, network)
    if image_id in known:
        for folder in _folders(workspace, network):
            path = preview_file(folder, step, known.index(image_id))
            if path.is_file():
                return from_png(path.read_bytes())
    raise WorkspaceError(f"network {network} has no preview of image {image_id} at step {step}")


def _folders(workspace: Workspace, network: str) -> tuple[Path, ...]:
    """Where a network lies, once more in case it is finished in this instant."""
    final = workspace.artifacts.root / "network" / network
    return final, final.with_name(f"{network}.partial"), final

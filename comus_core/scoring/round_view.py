"""The rounds of a training opened for looking at: masks, errors and score of every image scored. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from comus_core.datasets.chosen_images import open_chosen
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.records import Dataset, GroundTruth
from comus_core.errors import WorkspaceError
from comus_core.evaluation.error_map import error_map, predicted_classes
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.runs.trained_categories import decided_then, trained_ids, trained_names
from comus_core.scoring.round_scores import score_clusters, score_predictions
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import ImageId, IndexMask, IntArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training

PSEUDO_MASK = 0  # the round that the pseudo-masks are


@dataclass(frozen=True, eq=False)
class RoundView:
    """A training's finished rounds on the data set that they are scored on. Treat every array as read-only.

    Attributes:
        dataset: whose images these are: the run's own, or another.
        masks: round -> predictions; 0 is the pseudo-masks, if the images are the run's own.
        ids: (C,) of the categories that its networks tell apart.
        scores: round -> its score, that of the clusters for the pseudo-masks; empty without ground truth.
    """

    workspace: Workspace
    run: Run
    training: Training
    dataset: Dataset
    masks: Mapping[int, MaskReader]
    ids: tuple[int, ...]
    scores: Mapping[int, ScoredRound]

    @cached_property
    def class_of(self) -> dict[int, IntArray]:
        """Round -> (C + 1,) its categories' classes; empty without ground truth."""
        return {number: scored.matched.class_of for number, scored in self.scores.items()}

    @cached_property
    def ious(self) -> dict[int, dict[ImageId, float]]:
        """Round, 1 the first -> image id -> mean IoU in percent of the classes in it; empty without ground truth."""
        return {
            number: dict(zip(scored.rows.image_ids, scored.pixels.ious.tolist(), strict=True))
            for number, scored in self.scores.items()
            if number != PSEUDO_MASK
        }

    @property
    def categories(self) -> int:
        """C, how many categories its networks tell apart."""
        return len(self.ids)

    @property
    def rounds(self) -> list[int]:
        """The numbers of the finished rounds, 1 the first."""
        return sorted(number for number in self.masks if number != PSEUDO_MASK)

    @property
    def truth(self) -> GroundTruth | None:
        """Ground truth of the images, if there is any."""
        return self.dataset.truth

    @cached_property
    def image_ids(self) -> list[ImageId]:
        """The images predicted, in id order."""
        return sorted(self.masks[self.rounds[0]].files) if self.rounds else []

    def has(self, number: int, image_id: ImageId) -> bool:
        """Whether a round has a mask of an image; few images may have a pseudo-mask."""
        return number in self.masks and image_id in self.masks[number].files

    def mask(self, number: int, image_id: ImageId) -> IndexMask:
        """A round's mask of an image, (H, W), 0 background, category + 1, in pseudo-masks perhaps ignore.

        Raises:
            WorkspaceError: it has none.
        """
        mask = self.masks[number].read(image_id) if number in self.masks else None
        if mask is None:
            raise WorkspaceError(f"training {self.training.id}: round {number} has no mask of image {image_id}")
        return mask

    def classes(self, number: int, image_id: ImageId) -> IntArray:
        """The same as classes of the ground truth, (H, W); −1 = no class or ignored."""
        return predicted_classes(self.mask(number, image_id), self.class_of[number], self._ignore)

    def errors(self, number: int, image_id: ImageId) -> NDArray[np.uint8]:
        """What is wrong in a round's mask of an image, see `error_map`.

        Raises:
            WorkspaceError: no mask, or no ground truth.
        """
        truth = self.truth
        if truth is None or number not in self.class_of or not truth.has(image_id):
            raise WorkspaceError(f"image {image_id} has no ground truth")
        mask = self.mask(number, image_id)
        return error_map(mask, truth.mask(image_id), self.class_of[number], truth.ignore, self._ignore)

    def ordered(self, by: str) -> list[ImageId]:
        """The images by `name`; by the last round's IoU `worst` or `best` first; by what they `gained` since the first.

        Images without ground truth are in the first order only.
        """
        if by == "name" or not self.ious:
            return self.image_ids
        first, last = self.ious[min(self.ious)], self.ious[max(self.ious)]
        scored = [i for i in self.image_ids if not np.isnan(last.get(i, np.nan))]
        gained = {i: last[i] - first.get(i, 0.0) for i in scored}
        key = {"worst": last.__getitem__, "best": lambda i: -last[i], "gained": lambda i: -gained[i]}[by]
        return sorted(scored, key=key)

    @property
    def _ignore(self) -> int:
        return index_dtype_and_ignore(self.categories)[1]


def open_round_view(workspace: Workspace, training: Training) -> RoundView:
    """Open a training's rounds.

    Raises:
        WorkspaceError: an artifact is gone, or the training is too old to know its categories.
        DatasetError: the data set that it is scored on is no longer where it was.
    """
    run = workspace.runs.get(training.run)
    ids, own = trained_ids(training), training.scored_on in (None, run.config.dataset)
    other = str(training.scored_on)
    dataset = (
        open_chosen(run.config, workspace.drawings)
        if own
        else open_dataset(other, workspace.drawings, run.config.truth)
    )
    names = trained_names(training, workspace.decisions_of(run))
    masks: dict[int, MaskReader] = {}
    scores: dict[int, ScoredRound] = {}
    if own:
        masks[PSEUDO_MASK] = MaskReader(workspace.artifacts.get("pseudo_masks", training.artifacts["labels-1"]))
        if "counts" in run.artifacts:
            then, excluded = decided_then(workspace, run, training), workspace.decisions_of(run).layout.excluded
            then = replace(then, layout=replace(then.layout, excluded=excluded))  # all rounds on the same images
            scores[PSEUDO_MASK] = score_clusters(open_run_view(workspace, run), then)
    for name, fingerprint in training.artifacts.items():
        kind, _, number = name.rpartition("-")
        if kind == "predictions":
            masks[int(number)] = MaskReader(workspace.artifacts.get("predictions", fingerprint))
        elif kind == "counts" and dataset.truth is not None:
            subject, counts = RunRound(run, int(number), training), workspace.artifacts.get("round_counts", fingerprint)
            classes = dataset.truth.classes
            scores[int(number)] = score_predictions(workspace, subject, counts, names, dataset.spec, classes)
    return RoundView(workspace, run, training, dataset, masks, ids, scores)

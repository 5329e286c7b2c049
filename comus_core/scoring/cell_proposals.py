"""The objects behind a cell of the confusion matrix, and those of some images: proposals and drawn objects."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from comus_core.evaluation.image_rows import cell_images
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import ImageId, IntArray
from comus_core.workspace.decisions import Decisions


def cell_proposals(
    view: RunView, decided: Decisions, scored: ScoredRound, predicted: int, true: int, *, filtered: bool = False
) -> IntArray:
    """Rows, as in `DecidedObjects`, of the objects that are mostly of the class `true` and count as `predicted`.

    A trained round predicts pixels, not objects: of it these are the objects mostly of that class in the images with
    such pixels.

    Args:
        view: the run, with ground truth, on whose own images the round was scored.
        decided: its decisions, as scored.
        scored: the round.
        predicted: class, 0 the background, n for no class.
        true: class, 0 the background.
        filtered: whether dropped proposals count as background.
    """
    objects = decided_objects(view, decided)
    inside = objects.truth_class == true
    if scored.subject.training is not None:
        images, _ = cell_images(scored.rows, scored.matched.class_of, predicted, true)
        names = {scored.rows.image_ids[k] for k in images}
        return np.flatnonzero(inside & np.isin(objects.image_id.astype(str), sorted(names)))
    category = np.where(objects.core, objects.category, -1) if filtered else objects.category
    class_of = np.asarray(scored.matched.class_of)[category + 1]
    class_of = np.where(class_of < 0, len(scored.classes), class_of)
    return np.flatnonzero(inside & ~objects.excluded & (class_of == predicted))


def rows_of_images(view: RunView, decided: Decisions, image_ids: Iterable[ImageId]) -> IntArray:
    """Rows, as in `DecidedObjects`, of the objects of some images, image by image; erased ones too."""
    rows_of = decided_objects(view, decided).rows_of_image
    return np.array([row for image_id in image_ids for row in rows_of.get(image_id, ())], np.int64)

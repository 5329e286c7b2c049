"""Two rounds without ground truth: how far their masks agree, the first in the place of the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from comus_core.config import Matching as MatchingChoice
from comus_core.errors import DatasetError
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.partitions import adjusted_rand_index, normalised_mutual_information
from comus_core.evaluation.prediction_counts import count_prediction
from comus_core.evaluation.report import distinct
from comus_core.runs.opened_round import OpenedRound
from comus_core.scoring.scored_round import ScoredRound
from comus_core.settings import require
from comus_core.types import ImageId, IndexMask, OnProgress, Progress, no_progress
from comus_core.weights.registry import Supervision, strongest

MaskOf = Callable[[ImageId], IndexMask]  # (H, W), 0 background, category + 1


def agreement_of(
    first: OpenedRound,
    second: OpenedRound,
    matching: MatchingChoice | None = None,
    *,
    on_progress: OnProgress = no_progress,
) -> ScoredRound:
    """The second scored with the first in the place of the truth, on the images that both have masks of.

    The categories of the first are the classes; None matches those of the second as the first run's settings say.

    Raises:
        DatasetError: masks of one image that differ in size.
        SettingsError: no image in common.
        WorkspaceError: an artifact is gone.
    """
    shared = sorted(set(first.image_ids) & set(second.image_ids))
    categories = len(first.names), len(second.names)
    rows = agreement_rows(shared, first.mask, second.mask, categories, on_progress=on_progress)
    how, classes = matching or first.subject.run.config.matching, distinct(("background", *first.names))
    return ScoredRound(second.subject, first.subject.dataset, tuple(classes), second.names, rows, how)


def agreement_rows(
    image_ids: Sequence[ImageId],
    first: MaskOf,
    second: MaskOf,
    categories: tuple[int, int],
    *,
    on_progress: OnProgress = no_progress,
) -> ImageRows:
    """The pixels of each image, category of the second (in the place of what is predicted) and of the first.

    Scored like any other rows: an IoU then says how far the two agree, and the matching which category is which.
    `categories` is how many the first and the second have, background not counted.

    Raises:
        DatasetError: masks of one image that differ in size.
        SettingsError: no image.
    """
    require(bool(image_ids), "no image has a mask of both: there is nothing to compare")
    tables = []
    for number, image_id in enumerate(image_ids):
        on_progress(Progress("masks", number, len(image_ids)))
        one, two = first(image_id), second(image_id)
        if one.shape != two.shape:
            raise DatasetError(f"image {image_id}: masks of {one.shape} and {two.shape} pixels: run both anew")
        table = count_prediction(image_id, two, one, None, categories[1], categories[0] + 1)
        tables.append(ImageRows.of_tables([image_id], table[None]))
    on_progress(Progress("masks", len(image_ids), len(image_ids)))
    return ImageRows.joined(tables)


def agreement_json(first: OpenedRound, agreed: ScoredRound) -> dict[str, Any]:
    """What `comus agreement --json` writes, from what `agreement_of` returns; IoUs in percent."""
    table, owed = agreed.rows.contingency, [Supervision(**one.supervision) for one in (first.subject, agreed.subject)]
    return {
        "first": first.subject.reference,
        "second": agreed.subject.reference,
        "supervision": asdict(strongest(owed)),
        "images": len(agreed.rows.image_ids),
        "matching": agreed.matched.mode,
        "miou": agreed.score.miou,
        "pixel_agreement": agreed.score.pixel_accuracy,
        "per_category": agreed.score.per_class,
        "category_of": agreed.score.class_of,
        "ari": adjusted_rand_index(table),
        "nmi": normalised_mutual_information(table),
    }

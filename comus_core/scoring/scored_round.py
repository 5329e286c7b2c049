"""A round with its score and what that is summed from: what every page, table and JSON of a score reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comus_core.config import Matching as MatchingChoice
from comus_core.evaluation.bootstrap import CountedImages
from comus_core.evaluation.image_rows import (
    ClassPixels,
    Correlation,
    ImageRows,
    class_pixels,
    class_sizes,
    discovered,
    size_correlation,
)
from comus_core.evaluation.matching import Matching, match
from comus_core.evaluation.report import Score, confusion, score
from comus_core.runs.run_round import RunRound
from comus_core.scoring.paper_scores import PaperRow, paper_rows
from comus_core.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class ScoredRound:
    """A round's score on the data set that it was counted on.

    Attributes:
        subject: the run and its round.
        dataset: the data set's string.
        classes: n names, background first.
        names: C names of the categories.
        rows: the pixels, image by image.
        matching: how categories become classes, or a matching that is used as it is.
        coverage: share of the foreground proposals that count, 0…1; 1 for a network.
    """

    subject: RunRound
    dataset: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    rows: ImageRows
    matching: MatchingChoice | Matching = "auto"
    coverage: float = 1.0

    @cached_property
    def matched(self) -> Matching:
        """The class of each category."""
        return match(self.rows.contingency, self.matching)

    @cached_property
    def score(self) -> Score:
        """IoU of each class, mIoU, pixel accuracy."""
        return score(self.rows.contingency, self.matched, self.classes, ("background", *self.names))

    @cached_property
    def pixels(self) -> ClassPixels:
        """The pixels of each image and class, and so the IoU of each image."""
        return class_pixels(self.rows, self.matched.class_of)

    @property
    def counted(self) -> CountedImages:
        """What a bootstrap over the images draws from."""
        return CountedImages(self.rows, self.matching)

    @cached_property
    def confusion(self) -> IntArray:
        """(n + 1, n) int64 pixels, predicted class by true class; the last row is predicted as no class."""
        return confusion(self.rows.contingency, self.matched)

    @cached_property
    def sizes(self) -> FloatArray:
        """(n,) percent of an image that each class takes where it is, see `class_sizes`."""
        return class_sizes(self.pixels)

    @cached_property
    def correlation(self) -> Correlation:
        """Of size and IoU, over the object classes."""
        return size_correlation(self.sizes, np.array(list(self.score.per_class.values())))

    @property
    def discovered(self) -> list[str]:
        """The object classes with an IoU of 20 % and more."""
        return discovered(self.score.per_class)

    @property
    def paper(self) -> tuple[PaperRow, ...]:
        """The paper's rows on the same classes."""
        return paper_rows(self.dataset, self.classes)

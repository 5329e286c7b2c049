"""One score minus another of the same images, and how sure the differences are. Pages and `comus compare` read this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comus_core.evaluation.bootstrap import RESAMPLES, PairedBootstrap, paired_bootstrap
from comus_core.evaluation.class_bootstrap import ClassDifferences, paired_class_bootstrap
from comus_core.scoring.scored_round import ScoredRound
from comus_core.settings import require


@dataclass(frozen=True, eq=False)
class Differences:
    """The second score minus the first, drawn anew many times.

    Attributes:
        miou: of the mean over the classes.
        matching_fixed: whether its resamples were matched as all images are, not each anew as the score is defined.
        classes: of each class, always with the matching held fixed: only then is it clear what a class is.
    """

    miou: PairedBootstrap
    matching_fixed: bool
    classes: ClassDifferences

    def per_class(self, classes: Sequence[str]) -> dict[str, dict[str, float]]:
        """Class -> `difference`, `low` and `high` of its IoU, in points."""
        found = self.classes
        ends = {"difference": found.difference, "low": found.low, "high": found.high}
        return {name: {end: float(values[k]) for end, values in ends.items()} for k, name in enumerate(classes)}


def bootstrap(
    first: ScoredRound,
    second: ScoredRound,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    fixed_matching: bool = False,
) -> Differences:
    """The paired bootstrap of two scores over their images.

    Args:
        first: m images.
        second: the same images, in any order.
        resamples: how often the images are drawn, with replacement.
        seed: of the draws.
        fixed_matching: match once on all images; else anew in every resample.

    Raises:
        SettingsError: other images, other ground truth, no image.
    """
    sides = [side.counted.with_fixed_matching() if fixed_matching else side.counted for side in (first, second)]
    miou = paired_bootstrap(sides[0], sides[1], resamples=resamples, seed=seed)
    classes = paired_class_bootstrap(first.pixels, second.pixels, resamples=resamples, seed=seed)
    return Differences(miou, fixed_matching, classes)


def deltas(scored: ScoredRound, other: ScoredRound) -> dict[str, float]:
    """Class -> IoU of the first minus that of the other, in points; mIoU first.

    Raises:
        SettingsError: they were scored on different data sets, or with different annotations.
    """
    same = scored.dataset == other.dataset and scored.classes == other.classes
    require(
        not same or scored.subject.truth == other.subject.truth,
        f"{scored.subject.run.id} and {other.subject.run.id} were scored with different annotations of "
        f"{scored.dataset}: `comus compare` scores both with one",
    )
    require(
        same,
        f"{scored.subject.run.id} was scored on {scored.dataset}, {other.subject.run.id} on {other.dataset}: "
        "`comus compare` scores both on one data set",
    )
    own, theirs = scored.score.per_class, other.score.per_class
    return {"mIoU": scored.score.miou - other.score.miou} | {name: iou - theirs[name] for name, iou in own.items()}

"""What a training gained: its best round beside round 0, from its stored result; reads no artifact. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from comus_core.workspace.trainings import Training


@dataclass(frozen=True)
class RoundGain:
    """The best round of a training, or its last one without ground truth.

    Attributes:
        round: its number, from 1.
        before: mIoU of round 0 in percent, None without ground truth.
        after: mIoU of the round.
    """

    round: int
    before: float | None
    after: float | None

    @property
    def points(self) -> float | None:
        """By how many points the round is above round 0; None where either has no score."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def figures(self) -> str:
        """`74.7 → 86.0`, the round's score alone where round 0 has none, '' without scores."""
        after = "" if self.after is None else f"{self.after:.1f}"
        return after if self.before is None or not after else f"{self.before:.1f} → {after}"


def gain_of(result: Mapping[str, Any]) -> RoundGain | None:
    """What the rounds in a training's result gained; None before its first round has ended."""
    miou = {int(entry["round"]): entry["miou"] for entry in result.get("rounds", ())}
    trained = {number: score for number, score in miou.items() if number > 0}
    if not trained:
        return None
    scored = {number: score for number, score in trained.items() if score is not None}
    best = max(scored, key=lambda number: (scored[number], -number)) if scored else max(trained)
    return RoundGain(best, miou.get(0), trained[best])


def best_round(trainings: Iterable[Training], key: str) -> tuple[Training, int] | None:
    """The trained round that is farthest above its round 0, among those with the artifact `KEY-N`; None if none is.

    Args:
        trainings: of one run.
        key: the kind of the artifact that the round must have, such as `counts`.
    """
    found: list[tuple[float, Training, int]] = []
    for training in trainings:
        gain = gain_of(training.result)
        if gain is not None and (gain.points or 0) > 0 and f"{key}-{gain.round}" in training.artifacts:
            found.append((float(gain.points or 0), training, gain.round))
    best = max(found, key=lambda one: one[0], default=None)
    return None if best is None else (best[1], best[2])

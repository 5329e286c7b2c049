"""The table of an ablation: means over seeds, their spread, and the difference to the row compared with. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from comus_core.pipelines.ablation_rows import AblationSettings, Row


@dataclass(frozen=True)
class RowScore:
    """The mIoU of a row with a seed in percent, None if there is none; seconds of training of all its rounds."""

    miou: float | None
    seconds: float | None


RowScores = Mapping[tuple[str, int], RowScore]  # (name of a row, seed) -> its score, as far as it is known


def table(ablation: AblationSettings, scores: RowScores) -> list[dict[str, Any]]:
    """The rows as `comus ablate --json` writes them.

    Returns:
        A dictionary a row: `name`, `words`, `changes`, `round`, `miou` [a seed each, None where it is missing], `mean`
        and `std` over those that are there (`std` None for fewer than two), `against`, `difference` of the means in
        points, and `seconds` of training of all its rounds, mean over the seeds. What is not known is None.
    """
    rows, means = [], dict[str, float | None]()
    for row in ablation.chosen:
        of_seeds = [scores.get((row.name, seed), RowScore(None, None)) for seed in ablation.seeds_of(row)]
        values = [score.miou for score in of_seeds if score.miou is not None]
        seconds = [score.seconds for score in of_seeds if score.seconds is not None]
        means[row.name] = mean(values) if values else None
        rows.append(
            {
                "name": row.name,
                "words": row.words,
                "changes": dict(row.changes),
                "round": row.round,
                "miou": [score.miou for score in of_seeds],
                "mean": means[row.name],
                "std": stdev(values) if len(values) > 1 else None,
                "against": row.against,
                "difference": _difference(means, row),
                "seconds": mean(seconds) if seconds else None,
            }
        )
    return rows


def _difference(means: Mapping[str, float | None], row: Row) -> float | None:
    own, other = means[row.name], means.get(row.against or "")
    return own - other if own is not None and other is not None else None

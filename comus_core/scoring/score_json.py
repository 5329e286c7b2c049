"""Scores as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from comus_core.evaluation.image_rows import DISCOVERED
from comus_core.evaluation.report import Score
from comus_core.scoring.paper_scores import same_images
from comus_core.scoring.score_tables import class_rows, deltas
from comus_core.scoring.scored_round import ScoredRound


def score_json(result: Score, **more: float) -> dict[str, Any]:
    """A score as the JSON of `comus run` and `comus evaluate` holds it; IoUs in percent."""
    values = asdict(result)
    ordered = ("matching", "miou", "pixel_accuracy", "per_class")
    return {k: values[k] for k in ordered} | more | {"class_of": values["class_of"]}


def as_json(scored: ScoredRound, other: ScoredRound | None = None, most: int = 10) -> dict[str, Any]:
    """A score as `comus scores --json` writes it; IoUs in percent, `most` of the worst and the best images."""
    one, ious = scored.subject, scored.pixels.ious
    order = [k for k in np.argsort(ious, kind="stable").tolist() if np.isfinite(ious[k])]
    images = [{"image_id": scored.rows.image_ids[k], "iou": float(ious[k])} for k in order]
    sizes = [None if np.isnan(size) else float(size) for size in scored.sizes]
    values: dict[str, Any] = {
        **one.reference,
        "dataset": scored.dataset,
        "supervision": one.supervision,
        "images": len(scored.rows.image_ids),
        "matching": scored.matched.mode,
        "miou": scored.score.miou,
        "pixel_accuracy": scored.score.pixel_accuracy,
        "discovered": {"at_least": DISCOVERED, "classes": scored.discovered, "of": len(scored.classes) - 1},
        "per_class": [vars(row) | {"size": size} for row, size in zip(class_rows(scored), sizes, strict=True)],
        "size_correlation": vars(scored.correlation),
        "confusion": {
            "true": list(scored.classes),
            "predicted": [*scored.classes, None],
            "pixels": scored.confusion.tolist(),
        },
        "worst": images[:most],
        "best": images[::-1][:most],
        "paper": [
            vars(row)
            | {
                "same_images": same_images(row, scored.dataset, len(scored.rows.image_ids)),
                "difference": scored.score.miou - row.miou,
            }
            for row in scored.paper
        ],
    }
    if other is not None:
        sides = {"run": other.subject.run.id, "round": other.subject.number, "miou": other.score.miou}
        values["against"] = sides | {"differences": deltas(scored, other)}
    return values

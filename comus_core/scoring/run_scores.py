"""Scores of a run at any filter percentage and label map: sums over its counts, no pixel read.

Pages, command line and pipeline all ask here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comus_core.config import Matching
from comus_core.errors import SettingsError
from comus_core.evaluation.counts import Counts, contingency
from comus_core.evaluation.matching import Matching as MatchedRows
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import Score, score
from comus_core.runs import artifact_readers as tables
from comus_core.runs.categories import Categories
from comus_core.types import StrArray
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True)
class RunScores:
    """Both scores of a run.

    Attributes:
        every: all images, every proposal (p = 0): the paper's iteration 0.
        filtered: all images, dropped proposals as background.
        coverage: share of foreground proposals kept, 0…1.
        matched: the category-to-class matching of `every`.
    """

    every: Score
    filtered: Score
    coverage: float
    matched: MatchedRows


def score_categories(
    counts: Counts,
    proposal_id: StrArray,
    found: Categories,
    decided: Decisions,
    classes: tuple[str, ...],
    mode: Matching = "auto",
    frozen: MatchedRows | None = None,
) -> RunScores:
    """Both scores of categories on the images that were counted.

    Args:
        counts: rows of the proposals and remainders.
        proposal_id: (n,) strings.
        found: categories of these proposals; a proposal without one is background.
        decided: names and filter percentages.
        classes: names of the columns of `counts`, background first.
        mode: how categories become classes where `frozen` does not say.
        frozen: another run's matching, used as it is.
    """
    category, keep = found.category, found.kept(decided)
    row_names = ("background", *(decided.name_of(k) for k in found.ids))

    def scored(rows: Any) -> tuple[Score, MatchedRows]:
        predicted = dict(zip(proposal_id, rows.tolist(), strict=True))
        matrix = contingency(counts, predicted, len(found.ids))
        matched = frozen or match(matrix, mode)
        return score(matrix, matched, classes, row_names), matched

    every, matched = scored(category)
    filtered, _ = scored(np.where(keep, category, -1))
    foreground = int((category >= 0).sum())
    return RunScores(every, filtered, float(keep.sum() / max(foreground, 1)), matched)


def score_run(
    workspace: Workspace, run: Run, decided: Decisions | None = None, mode: Matching | None = None
) -> RunScores:
    """Both scores of a stored run.

    Raises:
        WorkspaceError: the run has no clusters or no counts (no ground truth).
        SettingsError: the frozen matching of another run does not fit.
    """
    counts = tables.read_counts(workspace.artifact(run, "counts"))
    table = tables.read_clusters(workspace.artifact(run, "clustering"))
    decided = decided or workspace.decisions_of(run)
    classes = tuple(run.provenance["classes"])
    other = run.config.matching_from
    found = tables.categories_of(table, decided)
    frozen = frozen_matching(workspace, other, len(found.ids), classes) if other else None
    return score_categories(counts, table.proposal_id, found, decided, classes, mode or run.config.matching, frozen)


def frozen_matching(workspace: Workspace, name: str, categories: int, classes: tuple[str, ...]) -> MatchedRows:
    """The matching of the run called `name`, for so many categories and these classes.

    Raises:
        WorkspaceError: there is no such run, or it has no score.
        SettingsError: it has other classes or another number of categories.
    """
    other = workspace.runs.find(name)
    if tuple(other.provenance["classes"]) != classes:
        raise SettingsError(f"--matching-from {other.id}: its ground truth has other classes")
    matched = score_run(workspace, other).matched
    if len(matched.class_of) != categories + 1:
        raise SettingsError(
            f"--matching-from {other.id}: it has {len(matched.class_of) - 1} clusters, "
            f"but {categories} are to be matched"
        )
    return matched


def score_json(result: Score, **more: float) -> dict[str, Any]:
    """A score as the JSON of `comus run` and `comus evaluate` holds it; IoUs in percent."""
    values = asdict(result)
    ordered = ("matching", "miou", "pixel_accuracy", "per_class")
    return {k: values[k] for k in ordered} | more | {"class_of": values["class_of"]}

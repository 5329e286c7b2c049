"""A round of a run scored on another data set: `comus evaluate RUN[@ROUND] DATASET`."""

from __future__ import annotations

from typing import Any

from comus_core.pipelines.apply_rounds import evaluate_round
from comus_core.pipelines.evaluate_dataset import evaluate_on
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs.run_round import RunRound
from comus_core.settings import require
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


def evaluate(
    round: RunRound,
    workspace: Workspace,
    settings: EvaluateSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score a round on another data set.

    Args:
        round: the clusters of a run, or a round of its training.
        workspace: where it is, and where this data set's artifacts go.
        settings: the data set, and how categories are matched.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        The JSON of `comus evaluate` (contracts, "Scores").

    Raises:
        DatasetError: none of the images is usable, or none has a proposal.
        SettingsError: the frozen matching does not fit, or a way of assigning is asked of a network.
    """
    run, dataset, assign = round.run, settings.dataset, settings.assign
    if round.training is None:
        return evaluate_on(
            run,
            dataset,
            workspace,
            matching=settings.matching,
            matching_from=settings.matching_from,
            assign=assign or "nearest",
            device=device,
            on_progress=on_progress,
        )
    require(assign is None, f"assign {assign}: round {round.number} is a network, which assigns no proposals")
    return evaluate_round(
        run,
        round.number,
        dataset,
        workspace,
        matching=settings.matching,
        matching_from=settings.matching_from,
        device=device,
        on_progress=on_progress,
    )

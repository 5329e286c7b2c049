"""An ablation at work: every row through `discover` and `train`, so that what is there is reused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from comus_core.config import ClusteringMethod, RunConfig
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError
from comus_core.pipelines.ablation_cost import Meter, cost_for
from comus_core.pipelines.ablation_rows import AblationSettings, Row, in_order, plan
from comus_core.pipelines.ablation_table import RowScore, RowScores, table
from comus_core.pipelines.model_selection import NUMBER_FREE
from comus_core.pipelines.training_contexts import with_absolute_paths
from comus_core.pipelines.training_record import settings_of, training_supervision
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import open_own
from comus_core.settings import to_dict
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training


def ablate(
    run: Run,
    workspace: Workspace,
    settings: AblationSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_row: Callable[[Mapping[str, Any]], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compute and score the rows one after another.

    The stage of the progress is the row's name, its steps are seconds of the estimate over all rows. `on_row` is called
    with each row of the table when it is complete, `log` with what a person should know.

    Returns:
        `run`, `dataset`, `settings`, `supervision`, and `rows` as of `ablation_table.table`.

    Raises:
        DatasetError: the data set that is scored has no ground truth.
        WorkspaceError: the run has no clusters yet.
        ComusError: a row's own fault; what is finished stays.
    """
    run.require_own_images()
    from comus_core.machine.device import choose_device

    require_truth(run, workspace, settings)
    workspace.artifact(run, "clustering")
    settings = with_absolute_paths(settings, run)
    meter = Meter(cost_for(run, settings, workspace, choose_device(device)).rows, on_progress)
    work = _Work(run, workspace, settings, device, meter, log)
    scores: dict[tuple[str, int], RowScore] = {}
    with _trainings_in_order(workspace, run, settings):
        for row, seed in in_order(settings):
            meter.begin(row, seed)
            scores[row.name, seed] = _clustered(work, row) if row.settings is None else _trained(work, row, seed)
            if seed == settings.seeds_of(row)[-1]:
                on_row(next(line for line in table(settings, scores) if line["name"] == row.name))
    return result_json(run, settings, scores)


def known(run: Run, workspace: Workspace, settings: AblationSettings) -> dict[str, Any]:
    """The table from what the workspace holds, computing nothing; of equal trainings the last one counts."""
    settings = with_absolute_paths(settings, run)
    scores: dict[tuple[str, int], RowScore] = {}
    trainings = workspace.trainings.of_run(run.id)
    for row, seed in in_order(settings):
        if row.settings is None:
            score = _known_clusters(run, workspace, settings, row)
        else:
            score = _known_training(workspace, trainings, to_dict(settings.question(row, seed)), row)
        if score is not None:
            scores[row.name, seed] = score
    return result_json(run, settings, scores)


def result_json(run: Run, settings: AblationSettings, scores: RowScores) -> dict[str, Any]:
    """What `comus ablate --json` writes."""
    trains = any(row.settings is not None for row in settings.chosen)
    return {
        "run": run.id,
        "dataset": settings.scored_on or run.config.dataset,
        "settings": to_dict(settings),
        "supervision": training_supervision(run, settings.training if trains else None),
        "rows": table(settings, scores),
    }


def require_truth(run: Run, workspace: Workspace, settings: AblationSettings) -> None:
    """Raise `DatasetError` unless the data set that is scored has ground truth."""
    other = settings.scored_on
    dataset = open_dataset(other, workspace.drawings, run.config.truth) if other else open_own(workspace, run)
    if dataset.truth is None:
        raise DatasetError(f"an ablation compares scores, but the data set {dataset.spec} has no ground truth")


@dataclass(frozen=True)
class _Work:
    """An ablation at work."""

    run: Run
    workspace: Workspace
    settings: AblationSettings
    device: str
    on_progress: OnProgress
    log: Callable[[str], None]


def _clustered(work: _Work, row: Row) -> RowScore:
    """The score of round 0, with the run clustered as the row says: at the same K on the same vectors."""
    from comus_core.pipelines.discover import discover
    from comus_core.pipelines.evaluate import evaluate
    from comus_core.pipelines.verb_settings import EvaluateSettings
    from comus_core.scoring.round_scores import score_round

    workspace, scored_on, run = work.workspace, work.settings.scored_on, work.run
    if row.method not in (None, run.config.clustering.method):
        run = discover(_config(run, row.method), workspace, device=work.device, on_progress=work.on_progress)
        if run.name == work.run.name:
            run = workspace.runs.describe(run.id, name=f"{work.run.name} {row.method}")
        workspace.runs.bring_to_front(work.run.id)  # `latest` stays the run of the ablation
    if scored_on is not None and scored_on != run.config.dataset:
        settings = EvaluateSettings(scored_on)
        result = evaluate(RunRound(run, 0), workspace, settings, device=work.device, on_progress=work.on_progress)
        return RowScore(result["evaluation"]["miou"], None)
    return RowScore(score_round(workspace, RunRound(run, 0)).score.miou, None)


def _trained(work: _Work, row: Row, seed: int) -> RowScore:
    from comus_core.pipelines.train import train

    question = work.settings.question(row, seed)
    training = train(work.run, work.workspace, question, device=work.device, on_progress=work.on_progress, log=work.log)
    return _score_of(work.workspace, training, row)


def _known_clusters(run: Run, workspace: Workspace, settings: AblationSettings, row: Row) -> RowScore | None:
    if settings.scored_on not in (None, run.config.dataset):
        return None
    other = _run_of(workspace.runs.all(archived=True), run, row.method)
    evaluation = other.result.get("evaluation") if other is not None else None
    return RowScore(evaluation["miou"], None) if evaluation else None


def _known_training(
    workspace: Workspace, trainings: list[Training], question: Mapping[str, Any], row: Row
) -> RowScore | None:
    scores = (_score_of(workspace, training, row) for training in trainings if training.settings == question)
    return next((score for score in scores if score.miou is not None), None)


def _score_of(workspace: Workspace, training: Training, row: Row) -> RowScore:
    rounds = training.result.get("rounds", [])
    miou = next((entry["miou"] for entry in rounds if entry["round"] == row.round), None)
    return RowScore(miou, _seconds(workspace, training, row.round))


def _seconds(workspace: Workspace, training: Training, rounds: int) -> float | None:
    """Seconds in which the networks of all rounds were trained, whenever that was: the sum over their steps."""
    from comus_core.stages.networks import HISTORY

    batch, total = settings_of(training).training.optimisation.batch, 0.0
    for number in range(1, rounds + 1):
        network = workspace.artifacts.find("network", training.artifacts.get(f"network-{number}", ""))
        if network is None:
            return None
        with network.reading(HISTORY) as file:
            steps = json.loads(file.read_text())["steps"]
        total += sum(batch / step["images_per_second"] for step in steps)
    return total


def _config(run: Run, method: ClusteringMethod | None) -> RunConfig:
    """The run's settings with another method of clustering, without landmarks where that has none.

    A method that may find another number of clusters is matched one to one where the run is: by majority, it would be
    in another score.
    """
    own = run.config.clustering
    landmarks = own.landmarks if method in (None, "spectral") else 0  # other methods have none
    clustering = replace(own, method=method or own.method, landmarks=landmarks)
    one_to_one = method in NUMBER_FREE and run.result.get("matching") == "hungarian"
    return replace(run.config, clustering=clustering, matching="hungarian" if one_to_one else run.config.matching)


def _run_of(runs: list[Run], run: Run, method: ClusteringMethod | None) -> Run | None:
    """The run itself, or the one that differs by the method of clustering alone."""
    if method in (None, run.config.clustering.method):
        return run
    return next((other for other in runs if other.config == _config(run, method)), None)


@contextmanager
def _trainings_in_order(workspace: Workspace, run: Run, settings: AblationSettings) -> Iterator[None]:
    """Whatever the rows train, `RUN@1` and `--resume` mean what they meant before; where nothing was, the base."""
    before = [training.id for training in workspace.trainings.of_run(run.id)]
    try:
        yield
    finally:
        rows = [row for row in reversed(plan(settings.training)) if row.name in ("round 2", "round 1")]
        questions = [to_dict(settings.question(row, settings.seeds[0])) for row in rows]
        after = workspace.trainings.of_run(run.id)
        base = [training.id for question in questions for training in after if training.settings == question]
        workspace.trainings.bring_to_front(*(before or base))

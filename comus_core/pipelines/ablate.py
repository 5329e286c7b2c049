"""An ablation at work: every row through `discover` and `train`, so that what is there is reused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from comus_core.config import ClusteringMethod
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError
from comus_core.pipelines.ablation_cost import Meter, cost_for
from comus_core.pipelines.ablation_rows import Ablation, Row, ablation_from, ablation_json, in_order, plan, table
from comus_core.pipelines.training_contexts import with_absolute_paths
from comus_core.runs.run_truth import open_own
from comus_core.training.settings import AblationSettings, asked
from comus_core.types import OnProgress, no_progress
from comus_core.weights import REGISTRY, Supervision, strongest
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training


def ablate(
    run: Run,
    workspace: Workspace,
    ablation: AblationSettings | Ablation,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_row: Callable[[Mapping[str, Any]], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Compute and score the rows one after another.

    Args:
        run: a finished run.
        workspace: where it is.
        ablation: base settings, rows, seeds.
        device: as in `discover`.
        on_progress: as in `discover`; the stage is the row's name, steps are seconds of the estimate over all rows.
        on_row: told of each row of the table when it is complete.
        log: told what a person should know.

    Returns:
        `run`, `dataset`, `settings`, `supervision`, and `rows` as of `ablation.table`.

    Raises:
        DatasetError: the data set that is scored has no ground truth.
        WorkspaceError: the run has no clusters yet.
        ComusError: a row's own fault; what is finished stays.
    """
    run.require_writable()
    if isinstance(ablation, AblationSettings):
        ablation = ablation_from(ablation)
    from comus_core.device import choose_device

    require_truth(run, workspace, ablation)
    workspace.artifact(run, "clustering")
    ablation = replace(ablation, request=with_absolute_paths(ablation.request, run))
    meter = Meter(cost_for(run, ablation, workspace, choose_device(device)).rows, on_progress)
    found: dict[tuple[str, int], dict[str, float | None]] = {}
    options: dict[str, Any] = {"device": device, "on_progress": meter}
    with _in_front(workspace, run, ablation):
        for row, seed in in_order(ablation):
            meter.begin(row, seed)
            if row.settings is None:
                found[row.name, seed] = _clusters(run, workspace, ablation, row, options)
            else:
                found[row.name, seed] = _trained(run, workspace, ablation, row, seed, options | {"log": log})
            if seed == ablation.seeds_of(row)[-1]:
                on_row(next(line for line in table(ablation, found) if line["name"] == row.name))
    return result_json(run, ablation, found)


def known(run: Run, workspace: Workspace, ablation: Ablation) -> dict[str, Any]:
    """The table from what the workspace holds, computing nothing; of equal questions the one asked last answers."""
    ablation = replace(ablation, request=with_absolute_paths(ablation.request, run))
    found: dict[tuple[str, int], dict[str, float | None]] = {}
    trainings = workspace.trainings.of_run(run.id)
    for row, seed in in_order(ablation):
        if row.settings is None:
            scored = ablation.request.scored_on in (None, run.config.dataset)
            other = _run_of(workspace.runs.all(archived=True), run, row.method) if scored else None
            evaluation = other.result.get("evaluation") if other is not None else None
            if evaluation:
                found[row.name, seed] = {"miou": evaluation["miou"], "seconds": None}
            continue
        wanted = asked(*ablation.question(row, seed))
        for training in trainings:
            miou = _miou(training, row.round) if training.settings == wanted else None
            if miou is not None:
                found[row.name, seed] = {"miou": miou, "seconds": _seconds(workspace, training, row.round)}
                break
    return result_json(run, ablation, found)


def result_json(run: Run, ablation: Ablation, found: Any) -> dict[str, Any]:
    """What `comus ablate --json` writes."""
    parts = [Supervision(**run.provenance["supervision"])]
    if any(row.settings is not None for row in ablation.chosen):
        parts.append(REGISTRY[ablation.settings.backbone].supervision)
    whole = strongest(parts)
    return {
        "run": run.id,
        "dataset": ablation.request.scored_on or run.config.dataset,
        "settings": ablation_json(ablation),
        "supervision": {"direct": whole.direct, "inherited": whole.inherited},
        "rows": table(ablation, found),
    }


def require_truth(run: Run, workspace: Workspace, ablation: Ablation) -> None:
    """Raise `DatasetError` unless the data set that is scored has ground truth."""
    other = ablation.request.scored_on
    dataset = open_dataset(other, workspace.drawings, run.config.truth) if other else open_own(workspace, run)
    if dataset.truth is None:
        raise DatasetError(f"an ablation compares scores: the data set {dataset.spec} has no ground truth")


def _clusters(
    run: Run, workspace: Workspace, ablation: Ablation, row: Row, options: dict[str, Any]
) -> dict[str, float | None]:
    """The score of round 0, with the run clustered as the row says: at the same K on the same vectors."""
    from comus_core.pipelines.discover import discover
    from comus_core.pipelines.evaluate_dataset import evaluate_on
    from comus_core.scoring.run_scores import score_run

    scored_on, own = ablation.request.scored_on, run
    if row.method not in (None, run.config.clustering.method):
        config = _clustered(run, row.method)
        own = discover(config, workspace, **options)
        if own.name == run.name:
            own = workspace.runs.describe(own.id, name=f"{run.name} {row.method}")
        workspace.runs.update(run.id, lambda known: known)  # `latest` stays the run that was asked about
    if scored_on not in (None, own.config.dataset):
        evaluation = evaluate_on(own, scored_on, workspace, **options)["evaluation"]
        return {"miou": evaluation["miou"], "seconds": None}
    return {"miou": score_run(workspace, own).every.miou, "seconds": None}


def _trained(
    run: Run, workspace: Workspace, ablation: Ablation, row: Row, seed: int, options: dict[str, Any]
) -> dict[str, float | None]:
    from comus_core.pipelines.train import train

    training = train(run, workspace, *ablation.question(row, seed), **options)
    return {"miou": _miou(training, row.round), "seconds": _seconds(workspace, training, row.round)}


def _miou(training: Training, number: int) -> float | None:
    rounds = training.result.get("rounds", [])
    return next((entry["miou"] for entry in rounds if entry["round"] == number), None)


def _seconds(workspace: Workspace, training: Training, rounds: int) -> float | None:
    """Seconds in which the networks of all rounds were trained, whenever that was: the sum over their steps."""
    from comus_core.stages.rounds import HISTORY

    total = 0.0
    for number in range(1, rounds + 1):
        network = workspace.artifacts.find("network", training.artifacts.get(f"network-{number}", ""))
        if network is None:
            return None
        with network.reading(HISTORY) as file:
            steps = json.loads(file.read_text())["steps"]
        total += sum(training.settings["training"]["batch"] / step["images_per_second"] for step in steps)
    return total


def _clustered(run: Run, method: ClusteringMethod | None) -> Any:
    """The run's settings with another method of clustering."""
    return replace(run.config, clustering=replace(run.config.clustering, method=method or run.config.clustering.method))


def _run_of(runs: list[Run], run: Run, method: ClusteringMethod | None) -> Run | None:
    """The run itself, or the one that differs by the method of clustering alone."""
    if method in (None, run.config.clustering.method):
        return run
    return next((other for other in runs if other.config == _clustered(run, method)), None)


@contextmanager
def _in_front(workspace: Workspace, run: Run, ablation: Ablation) -> Iterator[None]:
    """Whatever the rows train, `RUN@1` and `--resume` mean what they meant before; where nothing was, the base."""
    before = [training.id for training in workspace.trainings.of_run(run.id)]
    try:
        yield
    finally:
        bases = [row for row in reversed(plan(ablation.settings)) if row.name in ("round 2", "round 1")]
        wanted = [asked(*ablation.question(row, ablation.seeds[0])) for row in bases]
        made = workspace.trainings.of_run(run.id)
        base = [training.id for settings in wanted for training in made if training.settings == settings]
        workspace.trainings.put_in_front(before or base)

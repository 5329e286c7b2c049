"""Two rounds on the same images: the difference of their mIoUs and how sure it is (`comus compare`)."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from comus_core.config import Matching
from comus_core.datasets.dataset import Dataset, absolute, open_dataset
from comus_core.errors import DatasetError
from comus_core.evaluation.bootstrap import CountedImages, miou, paired_bootstrap
from comus_core.evaluation.counts import contingency_by_image
from comus_core.evaluation.matching import match
from comus_core.pipelines.verb_settings import CompareSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import truth_fingerprint
from comus_core.scoring.run_scores import frozen_matching
from comus_core.settings import require
from comus_core.types import OnProgress, no_progress
from comus_core.weights import Supervision, strongest
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training


def compare(
    rounds: tuple[RunRound, RunRound],
    workspace: Workspace,
    settings: CompareSettings = CompareSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score both on the same images and bootstrap the difference over the images.

    Args:
        rounds: what is compared to, and what is hoped to be better.
        workspace: where the runs are; what `evaluate` made there is reused.
        settings: the data set, the bootstrap, and how categories are matched.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        `first`, `second` {`run`, `round`, `training`, `matching`, `miou`}, `dataset`, `supervision` and the fields of
        `PairedBootstrap` under `bootstrap`.

    Raises:
        SettingsError: the runs are of different data sets and none is named, or it differs between the two scores.
        DatasetError: the data set has no ground truth.
    """
    (first, second), dataset, matching = rounds, settings.dataset, settings.matching
    fixed_matching, resamples, seed = settings.fixed_matching, settings.resamples, settings.seed
    require(
        dataset is not None or first.run.config.dataset == second.run.config.dataset,
        f"runs {first.run.id} and {second.run.id} are of different data sets: name the one to compare them on",
    )
    require(
        dataset is not None or len({one.run.provenance.get("truth") for one in (first, second)} - {None}) < 2,
        f"runs {first.run.id} and {second.run.id} were scored with different annotations: "
        "name the data set to compare them on",
    )
    spec = absolute(dataset) if dataset else first.run.config.dataset
    scored = open_dataset(spec, workspace.drawings, first.run.config.truth)
    if scored.truth is None:
        raise DatasetError(f"a comparison needs scores: {spec} has no ground truth")
    options: dict[str, Any] = {"device": device, "on_progress": on_progress}
    sides = [_counted(one, workspace, scored, matching, options) for one in (first, second)]
    if fixed_matching:
        sides = [side.with_fixed_matching() for side in sides]
    found = paired_bootstrap(sides[0], sides[1], resamples=resamples, seed=seed)
    whole = strongest([Supervision(**one.supervision) for one in (first, second)])
    return {
        "first": _side_json(first, sides[0]),
        "second": _side_json(second, sides[1]),
        "dataset": spec,
        "supervision": {"direct": whole.direct, "inherited": whole.inherited},
        "bootstrap": asdict(found) | {"matching_fixed": fixed_matching},
    }


def _counted(
    one: RunRound, workspace: Workspace, scored: Dataset, matching: Matching | None, options: dict[str, Any]
) -> CountedImages:
    """The pixels of a round, image by image."""
    run = one.run
    if one.training is not None:
        counted = _of_round(one.training, one, workspace, scored.spec, options)
    else:
        counted = _of_clusters(run, workspace, scored, options)
    mode = matching or run.config.matching
    frozen = None
    if matching is None and run.config.matching_from:
        classes = scored.truth.classes  # type: ignore[union-attr]
        frozen = frozen_matching(workspace, run.config.matching_from, counted.values.shape[1] - 1, classes)
    return replace(counted, mode=mode, frozen=frozen)


def _of_round(
    training: Training, one: RunRound, workspace: Workspace, spec: str, options: dict[str, Any]
) -> CountedImages:
    from comus_core.pipelines.apply_rounds import apply_round

    done = apply_round(one.run, training, one.number, spec, workspace, **options)
    assert done.counts is not None, "the caller checks for ground truth"
    return CountedImages(*tables.read_round_counts(done.counts, len(done.names)))


def _of_clusters(run: Run, workspace: Workspace, scored: Dataset, options: dict[str, Any]) -> CountedImages:
    """Every proposal, p = 0: the run's own categories, or on another data set those of the nearest neighbours."""
    from comus_core.pipelines.evaluate_dataset import assigned_categories, assigned_to

    decided = workspace.decisions_of(run)
    own = scored.spec == run.config.dataset and run.provenance.get("truth") == truth_fingerprint(
        workspace, scored, run.config.truth
    )
    if own and "counts" in run.artifacts:
        counts, table = workspace.artifact(run, "counts"), tables.read_clusters(workspace.artifact(run, "clustering"))
        ids, found = table.proposal_id, tables.categories_of(table, decided)
    else:
        made, _ = assigned_to(run, scored.spec, workspace, **options)
        counts = made["counts"]
        ids, found = assigned_categories(workspace, run, made["assignment"], decided)
    predicted = dict(zip(ids, found.category.tolist(), strict=True))
    return CountedImages(*contingency_by_image(tables.read_counts(counts), predicted, len(found.ids)))


def _side_json(one: RunRound, counted: CountedImages) -> dict[str, Any]:
    mode = (counted.frozen or match(counted.pooled, counted.mode)).mode
    training = one.training.id if one.training else None
    return {"run": one.run.id, "round": one.number, "training": training, "matching": mode, "miou": miou(counted)}

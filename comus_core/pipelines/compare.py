"""Two rounds on the same images: the difference of their mIoUs and how sure it is (`comus compare`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.datasets.records import Dataset
from comus_core.errors import DatasetError
from comus_core.evaluation.bootstrap import paired_bootstrap
from comus_core.pipelines.evaluate import evaluated
from comus_core.pipelines.verb_settings import CompareSettings, EvaluateSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import truth_fingerprint
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import on_same_images, score_clusters
from comus_core.scoring.scored_round import ScoredRound
from comus_core.settings import require
from comus_core.types import OnProgress, no_progress
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace import Workspace

DEFAULT = CompareSettings()


def compare(
    rounds: tuple[RunRound, RunRound],
    workspace: Workspace,
    settings: CompareSettings = DEFAULT,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Score both on the same images and bootstrap the differences over the images.

    The second of the `rounds` is hoped to be better. What `evaluate` made in the workspace is reused.

    Returns:
        `first`, `second` {`run`, `round`, `training`, `matching`, `miou`}, `dataset`, `supervision`; under `bootstrap`
        the fields of `PairedBootstrap`, and its classes under `per_class`: class -> {`difference`, `low`, `high`}.

    Raises:
        SettingsError: the runs are of different data sets and none is named, or it differs between the two scores.
        DatasetError: the data set has no ground truth.
    """
    first, second = rounds
    require(
        settings.dataset is not None or first.run.config.dataset == second.run.config.dataset,
        f"runs {first.run.id} and {second.run.id} are of different data sets: name the one to compare them on",
    )
    require(
        settings.dataset is not None or len({one.run.provenance.get("truth") for one in rounds} - {None}) < 2,
        f"runs {first.run.id} and {second.run.id} were scored with different annotations: "
        "name the data set to compare them on",
    )
    spec = absolute(settings.dataset) if settings.dataset else first.run.config.dataset
    dataset = open_dataset(spec, workspace.drawings, first.run.config.truth)
    if dataset.truth is None:
        raise DatasetError(f"a comparison needs scores: {spec} has no ground truth")
    one, two = (_scored(side, workspace, dataset, settings, device, on_progress) for side in rounds)
    one, two = on_same_images(workspace, one, two)
    sides = [side.counted.with_fixed_matching() if settings.fixed_matching else side.counted for side in (one, two)]
    differences = asdict(paired_bootstrap(*sides, resamples=settings.resamples, seed=settings.seed))
    classes = zip(one.classes, differences.pop("classes"), strict=True)
    return {
        "first": _side_json(one),
        "second": _side_json(two),
        "dataset": spec,
        "supervision": asdict(strongest(Supervision(**side.supervision) for side in rounds)),
        "bootstrap": differences,
        "per_class": {name: dict(zip(("difference", "low", "high"), ends, strict=True)) for name, ends in classes},
    }


def _scored(
    subject: RunRound,
    workspace: Workspace,
    dataset: Dataset,
    settings: CompareSettings,
    device: str,
    on_progress: OnProgress,
) -> ScoredRound:
    """A round on the data set: of a run's own clusters on its own images what was counted there, else as `evaluate`."""
    run = subject.run
    own = dataset.spec == run.config.dataset and "counts" in run.artifacts and subject.training is None
    if own and run.provenance.get("truth") == truth_fingerprint(workspace, dataset, run.config.truth):
        return score_clusters(open_run_view(workspace, run), workspace.decisions_of(run), settings.matching)
    wanted = EvaluateSettings(dataset.spec, matching=settings.matching)
    scored = evaluated(subject, workspace, wanted, device=device, on_progress=on_progress).every
    assert scored is not None, "there is ground truth"
    return scored


def _side_json(scored: ScoredRound) -> dict[str, Any]:
    return scored.subject.reference | {"matching": scored.matched.mode, "miou": scored.score.miou}

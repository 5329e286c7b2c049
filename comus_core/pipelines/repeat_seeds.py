"""A run repeated with several seeds, its training too: scores as mean ± standard deviation (`comus seeds`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import mean, stdev
from typing import Any

from comus_core.errors import DatasetError
from comus_core.evaluation.protocols import PROTOCOLS
from comus_core.pipelines.evaluate import evaluated
from comus_core.pipelines.training_record import settings_of
from comus_core.pipelines.verb_settings import EvaluateSettings, SeedsSettings
from comus_core.runs.run_round import RunRound
from comus_core.settings import require, to_dict
from comus_core.training.settings import TrainSettings
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.weights.registry import Supervision, strongest
from comus_core.workspace import Run, Workspace
from comus_core.workspace.trainings import Training

FIGURES = ("nmi", "ari", "accuracy", "purity")


@dataclass(frozen=True)
class _Work:
    """A repetition at work."""

    run: Run
    workspace: Workspace
    settings: SeedsSettings
    device: str
    on_progress: OnProgress
    log: Callable[[str], None]

    def at(self, seed: int) -> OnProgress:
        """An observer that says which seed the work is of."""

        def tell(progress: Progress) -> None:
            self.on_progress(replace(progress, stage=f"seed {seed}: {progress.stage}"))

        return tell


def repeat_seeds(
    run: Run,
    workspace: Workspace,
    settings: SeedsSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_row: Callable[[Mapping[str, Any]], None] = lambda _: None,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run the same settings with other seeds, train each as the run was last trained, and score every round.

    What seeds have in common (saliency, features) is computed once, and a run that is there is used. The other runs
    stay in the workspace beside this one.

    Returns:
        `run`, `dataset`, `protocol`, `settings`, `supervision`, `runs` [{`seed`, `run`, `training`}], `rows` a round:
        {`round`, `miou` [a seed each], `mean`, `std`, `per_class` {class: mean}} in percent, and `cluster_quality`
        {figure: {`mean`, `std`}} of round 0. `std` is the standard deviation (n − 1 in the denominator), None for a
        single seed.

    Raises:
        DatasetError: the data set has no ground truth.
        SettingsError: the run's clusters were edited, it was not trained, or the protocol is of networks alone.
        WorkspaceError: the run has no clusters yet.
    """
    run.require_own_images()
    workspace.artifact(run, "clustering")
    work = _Work(run, workspace, settings, device, on_progress, log)
    question = _check(work)
    subjects, scores = [], dict[int, list[dict[str, Any]]]()
    with _in_order(workspace, run):
        for seed in settings.seeds:
            repeated = _repeated(work, seed)
            training = _trained(work, repeated, question, seed) if question is not None else None
            subjects.append({"seed": seed, "run": repeated.id, "training": training.id if training else None})
            for number in _rounds(work, training):
                one = RunRound(repeated, number, training if number else None)
                scores.setdefault(number, []).append(_score(work, one, seed))
            log(_seed_line(seed, {number: found[-1]["miou"] for number, found in scores.items()}))
    rows = [_row(number, found) for number, found in sorted(scores.items())]
    for row in rows:
        on_row(row)
    owed = [Supervision(**found["supervision"]) for several in scores.values() for found in several]
    return {
        "run": run.id,
        "dataset": run.config.dataset,
        "protocol": settings.protocol,
        "settings": to_dict(settings),
        "supervision": asdict(strongest(owed)),
        "runs": subjects,
        "rows": rows,
        "cluster_quality": _quality(scores.get(0, [])),
    }


def _check(work: _Work) -> TrainSettings | None:
    """The training to repeat, None for none; raises as `repeat_seeds`."""
    run, workspace, settings = work.run, work.workspace, work.settings
    require_unedited(run, workspace)
    if not run.provenance.get("classes"):
        raise DatasetError(f"seeds are compared by their scores, but {run.config.dataset} has no ground truth")
    if not settings.train:
        network = settings.protocol is not None and PROTOCOLS[settings.protocol].network
        require(not network, f"protocol {settings.protocol} is of networks: train each seed too")
        return None
    trainings = workspace.trainings.of_run(run.id)
    require(bool(trainings), f"run {run.id} was not trained: train it first, its settings are repeated for each seed")
    return settings_of(trainings[0])


def require_unedited(run: Run, workspace: Workspace, *, at_filter: bool = True) -> None:
    """Raise `SettingsError` where a person edited clusters or filter: other seeds have the run's settings alone.

    `at_filter` is whether the filter matters, which a run has from its pseudo-masks on.
    """
    decided, own = workspace.decisions_of(run), run.config
    require(
        decided.layout_version == 0,
        f"run {run.id}: its clusters were edited (merged, split, moved …), which no other seed repeats: undo the "
        "edits, or run the data set anew",
    )
    filtered = (decided.filter_percent, decided.filter_by) == (own.filter_percent, own.filter_by)
    require(
        not at_filter or (filtered and not decided.cluster_percent),
        f"run {run.id}: its filter was changed, which no other seed repeats: set it back to "
        f"{own.filter_percent:g} % by {own.filter_by} for all clusters, or run the data set with the wanted filter",
    )


def _repeated(work: _Work, seed: int) -> Run:
    """The run with that seed."""
    from comus_core.pipelines.discover import discover

    if seed == work.run.config.seed:
        return work.run
    config = replace(work.run.config, seed=seed)
    repeated = discover(config, work.workspace, device=work.device, on_progress=work.at(seed))
    require_unedited(repeated, work.workspace)
    named = work.run.name and repeated.name == work.run.name
    return work.workspace.runs.describe(repeated.id, name=f"{work.run.name} seed {seed}") if named else repeated


def _trained(work: _Work, run: Run, question: TrainSettings, seed: int) -> Training:
    from comus_core.pipelines.train import train

    return train(
        run, work.workspace, replace(question, seed=seed), device=work.device, on_progress=work.at(seed), log=work.log
    )


def _rounds(work: _Work, training: Training | None) -> list[int]:
    """The rounds that are scored."""
    artifacts = training.artifacts if training is not None else {}
    trained = [int(name.rpartition("-")[2]) for name in artifacts if name.startswith("network-")]
    network = work.settings.protocol is not None and PROTOCOLS[work.settings.protocol].network
    return sorted(trained) if network else [0, *sorted(trained)]


def _score(work: _Work, one: RunRound, seed: int) -> dict[str, Any]:
    """mIoU, IoU of each class, and the quality of the clusters."""
    wanted = EvaluateSettings(protocol=work.settings.protocol)
    found = evaluated(one, work.workspace, wanted, device=work.device, on_progress=work.at(seed))
    if found.every is None:
        raise DatasetError(f"{one.key} has no score: {one.dataset} has no ground truth")
    score = found.every.score
    quality = asdict(found.quality) if found.quality is not None else None
    return {"miou": score.miou, "per_class": score.per_class, "quality": quality, "supervision": one.supervision}


def _row(number: int, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values = [score["miou"] for score in found]
    names = found[0]["per_class"]
    per_class = {name: mean(score["per_class"][name] for score in found) for name in names}
    return {"round": number, "miou": values, **_spread(values), "per_class": per_class}


def _quality(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]] | None:
    known = [score["quality"] for score in found if score["quality"] is not None]
    return {name: _spread([quality[name] for quality in known]) for name in FIGURES} if known else None


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"mean": mean(values), "std": stdev(values) if len(values) > 1 else None}


def _seed_line(seed: int, miou: Mapping[int, float]) -> str:
    return f"seed {seed}: " + ", ".join(f"round {number} mIoU {value:.2f} %" for number, value in sorted(miou.items()))


@contextmanager
def _in_order(workspace: Workspace, run: Run) -> Iterator[None]:
    """`latest` stays the run that is repeated, and its last training the one that was."""
    before = [training.id for training in workspace.trainings.of_run(run.id)]
    try:
        yield
    finally:
        workspace.runs.bring_to_front(run.id)
        if before:
            workspace.trainings.bring_to_front(*before)

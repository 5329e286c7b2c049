"""The rows of a table computed by the verbs: what is there is reused, so that a stopped table goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from comus_core.errors import DatasetError
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import match
from comus_core.evaluation.protocols import protocol_named
from comus_core.evaluation.report import score
from comus_core.pipelines.discover import discover
from comus_core.pipelines.evaluate import Evaluation, evaluated
from comus_core.pipelines.model_selection import resolve_saliency
from comus_core.pipelines.paper_tables.table_data import TableData, spec_of
from comus_core.pipelines.paper_tables.table_plan import TablePlan
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable, RoleName
from comus_core.pipelines.repeat_seeds import require_unedited
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings
from comus_core.pipelines.verb_settings import DiscoverSettings, EvaluateSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.text import counted as counted_words
from comus_core.training.settings import TrainSettings
from comus_core.types import STAGES, OnProgress
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class Measured:
    """A row with one seed.

    Attributes:
        value: percent.
        images: how many it is of.
        supervision: direct and inherited.
        non_commercial: weights whose licence forbids commercial use.
        subject: of the score: RUN@ROUND, or the detector.
        more: other figures by name: cluster quality, classes discovered.
    """

    value: float
    images: int
    supervision: dict[str, str]
    non_commercial: tuple[str, ...]
    subject: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TableWork:
    """A table at work; `detectors` is the comparison of all of its detectors, once it is there."""

    plan: TablePlan
    settings: TableSettings
    workspace: Workspace
    device: str
    on_progress: OnProgress
    log: Callable[[str], None]
    detectors: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> PaperTable:
        """The table."""
        return self.plan.table

    def data(self, role: RoleName) -> TableData:
        """A role's data set, or what stands in for it."""
        spec = spec_of(self.plan.data, role)
        return next(one for one in self.plan.data.values() if one.dataset == spec)


def measure(work: TableWork, row: MeasuredRow, seed: int) -> Measured:
    """Compute a row with a seed.

    Raises:
        ComusError: the fault of the verb that computes it.
    """
    if work.table.kind == "detectors":
        return _detector(work, row)
    run = _run_of(work, row, seed)
    if work.table.kind == "image classes":
        return _image_classes(work, run)
    if row.components is not None:
        return _components(work, row.components, run)
    return _round(work, row, run, seed)


def _run_of(work: TableWork, row: MeasuredRow, seed: int) -> Run:
    """The run that a row is of: over the data scored, or over that from which networks learn."""
    data = work.data("train" if row.round or row.transferred else "scored")
    config = work.settings.config(str(data.dataset), row.changes, seed, data.only)
    known = {run.id for run in work.workspace.runs.all(archived=True)}
    whole = work.table.kind == "image classes"  # scored without masks, and not shown on a map
    if whole:  # as many clusters as classes, whatever a preset says
        config = replace(config, clustering=replace(config.clustering, clusters=None))
    needed = DiscoverSettings("clustering" if whole else STAGES[-1])
    run = discover(config, work.workspace, needed, device=work.device, on_progress=work.on_progress)
    require_unedited(run, work.workspace, at_filter=not whole)
    if run.id not in known:
        name = f"table {work.table.number}: {row.name}"
        return work.workspace.runs.describe(run.id, name=name + (f", seed {seed}" if seed else ""))
    return run


def _round(work: TableWork, row: MeasuredRow, run: Run, seed: int) -> Measured:
    """A round, scored by the protocol of the table."""
    scored, train = work.data("scored"), work.data("train")
    other = scored.dataset != train.dataset
    subject = RunRound(run, 0)
    if row.round:
        from comus_core.pipelines.train import train as train_run

        more = work.data("more")
        question = TrainSettings(
            replace(work.settings.training, rounds=row.round),
            more.dataset if row.round > 1 and more.dataset != train.dataset else None,
            scored.dataset if other else None,
            work.settings.filter_percent if row.percent is None else row.percent,
            seed,
        )
        made = train_run(run, work.workspace, question, device=work.device, on_progress=work.on_progress, log=work.log)
        subject = RunRound(run, row.round, made)
    elsewhere = scored.dataset if row.transferred and other else None
    found = evaluated(
        subject,
        work.workspace,
        EvaluateSettings(elsewhere, protocol=work.table.protocol),
        device=work.device,
        on_progress=work.on_progress,
    )
    return _scored(found, subject)


def _scored(found: Evaluation, subject: RunRound) -> Measured:
    if found.every is None:
        raise DatasetError(f"{subject.dataset} has no ground truth, so that there is nothing to score it by")
    quality = {"cluster_quality": asdict(found.quality)} if found.quality is not None else {}
    return Measured(
        found.every.score.miou,
        len(found.every.rows.image_ids),
        subject.supervision,
        tuple(subject.run.provenance["non_commercial"]),
        subject.key,
        {"matching": found.every.score.matching, "discovered": len(found.every.discovered), **quality},
    )


def _components(work: TableWork, components: int, run: Run) -> Measured:
    """The run's vectors clustered in another number of eigenvectors, scored as round 0 is; nothing of it is kept."""
    from comus_core.clustering.clusters import cluster

    view, decided = open_run_view(work.workspace, run), work.workspace.decisions_of(run)
    counted, clusters = view.counted(decided), int(run.result["clusters"])
    if counted is None:
        raise DatasetError(f"{run.config.dataset} has no ground truth, so that there is nothing to score it by")
    ids, vectors = tables.read_vectors(work.workspace.artifact(run, "features"))
    most = min(components, len(ids))
    found = cluster(vectors, run.config.clustering, clusters, run.config.seed, components=most).cluster
    label_of = dict(zip(map(str, ids), found.tolist(), strict=True))
    category = np.array([label_of[str(one)] for one in view.proposals.proposal_id], np.int64)
    rows = ImageRows.of_counts(*counted, category, clusters)
    scored = score(rows.contingency, match(rows.contingency, protocol_named("comus").matching), view.classes)
    subject = RunRound(run, 0)
    return Measured(
        scored.miou,
        len(rows.image_ids),
        subject.supervision,
        tuple(run.provenance["non_commercial"]),
        f"{subject.key} in {counted_words(most, 'component')}",
        {"matching": scored.matching, "components": most},
    )


def _image_classes(work: TableWork, run: Run) -> Measured:
    """Clusters against the classes of whole images."""
    found = evaluated(
        RunRound(run, 0), work.workspace, EvaluateSettings(), device=work.device, on_progress=work.on_progress
    )
    if found.quality is None:
        raise DatasetError(f"{run.config.dataset}: no proposal is in a cluster, so that there is nothing to score")
    return Measured(
        found.quality.accuracy,
        found.quality.proposals,
        RunRound(run, 0).supervision,
        tuple(run.provenance["non_commercial"]),
        RunRound(run, 0).key,
        {"cluster_quality": asdict(found.quality), "clusters": run.result["clusters"]},
    )


def _detector(work: TableWork, row: MeasuredRow) -> Measured:
    """A detector on the images, compared with their foreground."""
    from comus_core.pipelines.compare_saliency import compare_saliency

    data, name = work.data("scored"), row.changes["saliency.detector"]
    if not work.detectors:
        names = tuple(one.row.changes["saliency.detector"] for one in work.plan.rows if not one.missing)
        saliency = replace(work.settings.saliency, detector="auto")
        question = SaliencyCompareSettings(names, data.images, saliency=saliency, truth=work.settings.truth)
        told, spec = work.on_progress, str(data.dataset)
        work.detectors.update(compare_saliency(spec, work.workspace, question, device=work.device, on_progress=told))
    result = work.detectors
    resolved = resolve_saliency(replace(work.settings.saliency, detector=name)).detector
    found = next(one for one in result["detectors"] if one["detector"] == resolved)
    if found["reason"] is not None:
        raise DatasetError(f"{name}: {found['reason']}")
    if found["pooled_iou"] is None:
        raise DatasetError(f"{data.dataset} has no ground truth, so that there is nothing to score a detector by")
    figures = {key: found[key] for key in ("mean_iou", "max_f", "mae", "empty", "seconds")}
    return Measured(
        found["pooled_iou"],
        result["images"],
        found["supervision"],
        tuple(found["non_commercial"]),
        name,
        {"seconds_an_image": figures.pop("seconds"), **figures},
    )


def seeds_of(table: PaperTable, seeds: Sequence[int]) -> Sequence[int]:
    """The seeds of a table: a detector has none, and counts once."""
    return seeds[:1] if table.kind == "detectors" else seeds

"""The stages in order: a folder of photographs in; categories, pseudo-masks and scores out."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from comus_core import stages
from comus_core.config import RunConfig
from comus_core.datasets.chosen_images import open_chosen
from comus_core.datasets.dataset import absolute
from comus_core.datasets.ignored_files import ignored_json
from comus_core.errors import WeightsError
from comus_core.evaluation.cluster_quality import cluster_quality, image_classes_of
from comus_core.pipelines.estimate import BYTES_PER_IMAGE, memory_estimate, remember_speeds, seconds_per_image
from comus_core.pipelines.fastest_precision import Resolved, with_precision
from comus_core.pipelines.model_selection import cluster_number, is_estimated, resolve, short_names, supervision_of
from comus_core.pipelines.relink import follow
from comus_core.pipelines.run_identity import run_id
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.scoring.score_json import score_json
from comus_core.scoring.scored_round import ScoredRound
from comus_core.stages import StageContext
from comus_core.types import STAGES, OnProgress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.reserve import require_room

PACKAGES = ("comus-explorer", "torch", "timm", "numpy", "scipy", "scikit-learn", "umap-learn", "onnxruntime", "pillow")

# The kinds of artifact that a run names.
KINDS = (
    *("images", "soft_maps", "proposals", "features", "how_many", "clustering", "projection"),
    *("pseudo_masks", "counts"),
)


def discover(
    config: RunConfig,
    workspace: Workspace,
    settings: DiscoverSettings = DiscoverSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    on_run: Callable[[Run], None] | None = None,
) -> Run:
    """Find the categories of a data set (paper, Algorithm 1), reusing every stage already computed.

    What is `auto` in `config` is resolved here and recorded. `on_run` is called with the run as soon as its id is
    known.

    Returns:
        The stored run; `run.result` is what `--json` writes. One that was finished before stays so, whatever this
        attempt comes to; with an earlier last stage than before, it keeps its result too.

    Raises:
        DatasetError: no usable image, or no proposal in any of them.
        Cancelled: `on_progress` raised it.
        ComusError: any stage's own fault; finished shards stay.
    """
    from comus_core.features.encoders import vectors_fingerprint
    from comus_core.machine.device import choose_device

    last = STAGES.index(settings.until)
    dataset = open_chosen(config, workspace.drawings)
    chosen = choose_device(device)
    config = replace(resolve(config), dataset=absolute(dataset.spec))
    with_vectors = last >= STAGES.index("features")
    try:
        # Also where no vector is wanted yet: the precision decides what the run is called when it goes on.
        resolved = with_precision(config, dataset, workspace, chosen, on_progress)
    except WeightsError:
        if with_vectors:
            raise
        resolved = Resolved(config)  # without the weights nothing can be timed: what goes on later has another name
    config = resolved.config
    if with_vectors:
        vectors_fingerprint(config.features)  # an encoder that cannot be had is told before the long work
    context = StageContext(workspace, dataset, config, chosen, on_progress)
    each = seconds_per_image(config, workspace, context.device)
    context.pace = {"images": each["images"], "soft_maps": each["saliency"], "features": each["features"]}
    asked = new_run(context)
    asked.provenance.update(resolved.measured)  # how `features.precision` fastest was resolved
    with workspace.runs.attempt(asked.id), resolved.computing(workspace):
        run = workspace.runs.begin(asked)
        follow(workspace, run)
        if not run.artifacts:  # else some of it is on the disk already
            require_room(workspace.root, len(dataset.files) * BYTES_PER_IMAGE)
        if on_run is not None:
            on_run(run)
        run, made = _run_stages(context, run, last)
        remember_speeds(workspace, config, context.device, context.seconds_per_item)
        every, filtered = both_scores(workspace, run) if {"counts", "clustering"} <= set(made) else (None, None)
        clusters = tables.read_clusters(made["clustering"]).count if "clustering" in made else 0
        result = result_json(run, context, made, clusters, every, filtered) | _image_quality(context, made)
        return workspace.runs.finish(run.id, prints(made), result, asked.provenance if context.computed else {})


def _run_stages(context: StageContext, run: Run, last: int) -> tuple[Run, dict[str, Artifact]]:
    """Walk the stages."""
    note_artifacts(context, run)
    images = stages.check_images(context)
    run = with_artifacts(run, {"images": images})
    stages.require_usable(context, images)
    if context.dataset.truth and last == STAGES.index("evaluation"):
        stages.check_truth(context, images)
    made = {"images": images}
    steps: list[tuple[str, str, Callable[[], Artifact]]] = [
        ("saliency", "soft_maps", lambda: stages.soft_maps(context, images)),
        ("saliency", "proposals", lambda: stages.proposals(context, images, made["soft_maps"])),
        ("features", "features", lambda: stages.features(context, made["proposals"])),
        ("features", "proposals", lambda: stages.with_features(context, made["proposals"], made["features"])),
        ("clustering", "how_many", lambda: stages.how_many(context, made["features"])),
        (
            "clustering",
            "clustering",
            lambda: stages.clustering(
                context, made["features"], _cluster_count(context, made), stages.second_view(context, made["proposals"])
            ),
        ),
        ("projection", "projection", lambda: stages.projection(context, made["features"])),
        ("pseudo_masks", "pseudo_masks", lambda: stages.pseudo_masks(context, made, _decisions(context, run))),
        ("evaluation", "counts", lambda: stages.counts(context, images, made["proposals"])),
    ]
    labelled, clusters = context.dataset.truth is not None, context.config.clustering
    known = context.dataset.class_count is not None
    wanted = {"how_many": is_estimated(clusters.clusters, known, clusters.method), "counts": labelled}
    for stage, kind, make in steps:
        if STAGES.index(stage) <= last and wanted.get(kind, True):
            made[kind] = make()
            run = with_artifacts(run, made)
    return run, made


def note_artifacts(context: StageContext, run: Run) -> None:
    """Let the run's row know every artifact of its stages as soon as it is there."""
    made: dict[str, str] = {}

    def note(artifact: Artifact) -> None:
        if artifact.kind in KINDS:
            made[artifact.kind] = artifact.fingerprint
            context.workspace.runs.add_artifacts(run.id, dict(made))

    context.on_artifact = note


def with_artifacts(run: Run, made: Mapping[str, Artifact]) -> Run:
    """The run with what this attempt has made; its row may hold more, from other attempts."""
    return replace(run, artifacts=run.artifacts | prints(made))


def prints(made: Mapping[str, Artifact]) -> dict[str, str]:
    """Kind -> fingerprint."""
    return {kind: artifact.fingerprint for kind, artifact in made.items()}


def _cluster_count(context: StageContext, made: dict[str, Artifact]) -> int:
    """K, see `cluster_number`."""
    estimate = tables.read_how_many(made["how_many"]).clusters if "how_many" in made else None
    return cluster_number(context.config, estimate, context.dataset.class_count, int(made["features"].table().num_rows))


def result_json(
    run: Run,
    context: StageContext,
    made: Mapping[str, Artifact],
    clusters: int,
    every: ScoredRound | None,
    filtered: ScoredRound | None,
) -> dict[str, Any]:
    """What `comus run --json` and `comus evaluate --json` write (contracts, "Scores").

    `run` is whose round 0 it is, `filtered` the score with dropped proposals as background; both scores are None
    without ground truth.
    """
    set_aside = context.skipped_files(made["images"])
    return {
        "run": run.id,
        "round": 0,
        "dataset": context.dataset.spec,
        "synthetic": context.dataset.synthetic,
        "images": len(context.dataset.files) + len(context.dataset.skipped),
        "skipped": len(set_aside),
        "skipped_files": set_aside,
        "passed_over": ignored_json(context.dataset.ignored),
        "notes": tables.notes(made["images"]) + context.notes,
        "excluded": context.dataset.excluded,
        "unknown_images": list(context.dataset.unknown),
        "without_mask": context.without_mask,
        "truth": context.truth_report.to_dict() if context.truth_report is not None else None,
        "proposals": made["proposals"].table(["proposal_id"]).num_rows if "proposals" in made else 0,
        "clusters": clusters,
        "clusters_because": tables.read_how_many(made["how_many"]).reason if "how_many" in made else None,
        "clustering": tables.clustering_facts(made["clustering"]) if "clustering" in made else None,
        "supervision": run.provenance["supervision"],
        "matching": every.score.matching if every else run.config.matching,
        "evaluation": score_json(every.score) if every else None,
        "evaluation_filtered": score_json(filtered.score, coverage=filtered.coverage) if filtered else None,
        "seconds": {s: round(context.seconds.get(s, 0.0), 3) for s in STAGES},
        "memory": {s: context.memory.get(s) for s in STAGES},
        "memory_at_most": context.memory_at_most,
        "memory_estimate": memory_estimate(len(context.dataset.files), tables.largest_image(made["images"])),
        "computed": context.computed,
    }


def _image_quality(context: StageContext, made: Mapping[str, Artifact]) -> dict[str, Any]:
    """`cluster_quality` by the classes of whole images; nothing where images have none."""
    classes = context.dataset.image_classes
    if classes is None or "clustering" not in made:
        return {}
    clusters = tables.read_clusters(made["clustering"])
    found = cluster_quality(clusters.cluster, image_classes_of(clusters.proposal_id, classes.index_of))
    return {"cluster_quality": asdict(found) if found is not None else None, "image_classes": len(classes.names)}


def both_scores(workspace: Workspace, run: Run) -> tuple[ScoredRound, ScoredRound]:
    """Round 0 of a run with counts: of every proposal, and with those that the decided filter drops as background."""
    view, decided = open_run_view(workspace, run), workspace.decisions_of(run)
    return score_clusters(view, decided), score_clusters(view, decided, filtered=True)


def new_run(context: StageContext) -> Run:
    """The row of a run over a data set, not stored yet."""
    name = re.sub(r"[^a-z0-9]+", "-", context.dataset.name.lower()).strip("-") or "run"
    truth = context.dataset.truth
    config = context.config
    provenance = {
        "seed": config.seed,
        "manifest": stages.images_key(context).fingerprint,
        "truth": context.truth_fingerprint(),
        "classes": list(truth.classes) if truth else [],
        "root": context.workspace.stored_root(context.dataset.root),
        "synthetic": context.dataset.synthetic,
        **supervision_of(config),
        "device": context.device,
        "python": platform.python_version(),
        "packages": {p: package_version(p) for p in PACKAGES},
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    return Run(
        run_id(context),
        name=" ".join((name, *short_names(config))),
        config=config,
        provenance=provenance,
    )


def _decisions(context: StageContext, run: Run) -> Decisions:
    """What was decided so far; the run's own filter opens the log of a new clustering."""
    log, clustering = context.workspace.decisions, run.artifacts["clustering"]
    config = context.config
    first: dict[str, Any] = {"percent": config.filter_percent}
    first |= {"by": config.filter_by} if config.filter_by != "distance" else {}
    return log.append_all(run.id, clustering, lambda now: [("filter", first)] if now.version == 0 else [])


def package_version(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None

"""Several encoders on the same proposals: `comus encoders compare RUN|DATASET --encoders a,b,c`."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from comus_core.clustering.curves import HowMany
from comus_core.config import RunConfig, TruthSettings
from comus_core.datasets.chosen_images import choose
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.errors import DatasetError, SettingsError, WeightsError
from comus_core.evaluation.cluster_quality import cluster_quality, image_classes_of, majority_classes
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score
from comus_core.files.atomic import disk_error, write_json
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.pipelines.compared_speeds import compared_speeds
from comus_core.pipelines.encoder_comparison import (
    chosen_encoders,
    comparison_file,
    ranked,
    stage_of,
    stored_comparison,
)
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.pipelines.model_selection import encoder_licences, encoder_supervision, resolve_saliency
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_truth import require_same_truth
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.types import IntArray, OnProgress, Progress, no_progress
from comus_core.workspace import Artifact, Run, Workspace

TIMED = 16  # images that the speed is measured on, at most
UNAVAILABLE = (WeightsError, SettingsError)


@dataclass(frozen=True)
class _Compared:
    """What the encoders are compared on.

    Attributes:
        context: of the stages, with the settings of the run or the defaults.
        images: n usable images.
        proposals: the table of all proposals in them.
        clusters: the number of clusters that is scored; None is the best of each encoder.
        counts: pixels of each class in each proposal; None without ground truth.
        truth: `images` with ground truth and a `line` on it, or None.
    """

    context: StageContext
    images: Artifact
    proposals: Artifact
    clusters: int | None
    counts: Artifact | None
    truth: dict[str, Any] | None


def compare_encoders(
    images: Run | str,
    workspace: Workspace,
    settings: EncoderCompareSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Compare encoders on the proposals of a run, or of a data set, and keep the result in the workspace.

    Vectors and clusters are those of a run with the same settings: what is there is reused, and what was stopped goes
    on. The silhouette is that of k-means after UMAP (`clustering.silhouette_after_umap`), over numbers of clusters; it
    needs no label. An encoder that cannot be used here has its entry with the reason. Decisions on the run's clusters
    count nowhere.

    Returns:
        `run` (its id, or None), `dataset`, `compared_at` (seconds since the epoch), `device`, `images` and `proposals`
        (numbers), `clusters` (that are scored; None: the best of each), `settings`, `truth` {`images` (with ground
        truth), `line`} or None; `encoders`, an entry each, the largest silhouette first: `encoder`, `supervision`,
        `non_commercial`, `reason` (why it cannot be used here, else None) and, if it can, `artifacts`, `silhouette`
        (the largest mean, −1 to 1) and `best` (the number of clusters there), each None of fewer than 10 proposals,
        `curve` [{`clusters`, `silhouette`}], `scored` (how many clusters are scored), `seconds` (of the proposals of
        an image, decoding not counted; None of vectors in a file), and `nmi`, `ari`, `miou` (percent) and `matching`,
        each None without ground truth; of images with classes as a whole, `nmi` and `ari` alone.

    Raises:
        DatasetError: the data set cannot be used, or there is no proposal in it.
        SettingsError: an unknown encoder.
        WorkspaceError: the run has no proposals, came in a bundle, or the disk is full.
    """
    from comus_core.machine.device import choose_device

    names, device = chosen_encoders(settings.encoders), choose_device(device)
    if isinstance(images, Run):
        one = _on_run(images, workspace, settings, device, on_progress)
    else:
        images = absolute(images)
        one = _on_dataset(images, workspace, settings, device, on_progress)
    number = one.proposals.table(["proposal_id"]).num_rows
    if not number:
        raise DatasetError(f"no proposal in any image of {one.context.dataset.spec}: there is nothing to compare by")
    before = compared_speeds(lambda: stored_comparison(workspace, images), device, "encoders", "features")
    rows = list[dict[str, Any]]()
    for name in names:
        rows.append(_measured(one, settings, name, before, on_progress))
    result = {
        "run": images.id if isinstance(images, Run) else None,
        "dataset": one.context.dataset.spec,
        "compared_at": time.time(),
        "device": device,
        "images": len(tables.usable_ids(one.images)),
        "proposals": number,
        "clusters": one.clusters,
        "settings": to_dict(settings),
        "truth": one.truth,
        "encoders": ranked(rows),
    }
    file = comparison_file(workspace, images)
    try:
        make_own(own_place(workspace.root, CACHE))
    except OSError as error:
        raise disk_error(error, file) from error
    write_json(file, result)
    return result


def _on_run(
    run: Run, workspace: Workspace, settings: EncoderCompareSettings, device: str, on_progress: OnProgress
) -> _Compared:
    """The proposals, clusters and counts that the run has."""
    from comus_core import stages
    from comus_core.pipelines.apply_rounds import context_on

    run.require_own_images()
    proposals, images = (workspace.artifact(run, kind) for kind in ("proposals", "images"))
    context = context_on(run, run.config.dataset, workspace, device, on_progress)
    stages.require_unchanged(images, stages.check_images(context), tables.usable_ids(images))
    clusters = settings.clusters or (run.result or {}).get("clusters") or context.dataset.class_count
    if context.dataset.truth is None:
        return _Compared(context, images, proposals, clusters, None, None)
    require_same_truth(workspace, run, context.dataset)
    return _with_counts(context, images, proposals, clusters)


def _on_dataset(
    spec: str, workspace: Workspace, settings: EncoderCompareSettings, device: str, on_progress: OnProgress
) -> _Compared:
    """Proposals of a data set, or of some of its images; where its ground truth cannot be used, without."""
    from comus_core import stages
    from comus_core.stages.learned_detector import drawn_images

    refused = ""
    try:
        dataset = open_dataset(spec, workspace.drawings, settings.truth)
    except DatasetError as fault:
        dataset, refused = open_dataset(spec, workspace.drawings, TruthSettings(read=False)), str(fault)
    if settings.images < len(dataset.files):
        dataset = choose(
            dataset, drawn_images([file.image_id for file in dataset.files], settings.images, settings.seed)
        )
    config = RunConfig(spec, resolve_saliency(settings.saliency), truth=settings.truth, seed=settings.seed)
    context = StageContext(workspace, dataset, config, device, on_progress)
    images = stages.check_images(context)
    stages.require_usable(context, images)
    try:
        stages.check_truth(context, images)
    except DatasetError as fault:
        context.dataset, refused = replace(context.dataset, truth=None), str(fault)
    proposals = stages.proposals(context, images, stages.soft_maps(context, images))
    if context.dataset.truth is not None:
        return _with_counts(context, images, proposals, settings.clusters or context.dataset.class_count)
    truth = {"images": 0, "line": f"no ground truth: {refused}"} if refused else None
    return _Compared(context, images, proposals, settings.clusters, None, truth)


def _with_counts(context: StageContext, images: Artifact, proposals: Artifact, clusters: int | None) -> _Compared:
    from comus_core import stages

    assert context.dataset.truth is not None
    labelled = sum(map(context.dataset.truth.has, tables.usable_ids(images)))
    line = context.truth_report.line if context.truth_report is not None else f"ground truth of {labelled} images"
    counts = stages.counts(context, images, proposals)
    return _Compared(context, images, proposals, clusters, counts, {"images": labelled, "line": line})


def _measured(
    one: _Compared, settings: EncoderCompareSettings, name: str, before: dict[str, float], on_progress: OnProgress
) -> dict[str, Any]:
    """The entry of an encoder."""
    from comus_core import stages
    from comus_core.features.encoders import vectors_fingerprint
    from comus_core.stages.clusters import silhouettes
    from comus_core.stages.vectors import seconds_an_image

    row: dict[str, Any] = {
        "encoder": name,
        "supervision": asdict(encoder_supervision(name)),
        "non_commercial": encoder_licences(name),
        "reason": None,
    }
    config, stage = one.context.config, stage_of(name)
    context = replace(
        one.context,
        config=replace(config, features=replace(config.features, encoder=name)),
        on_progress=lambda told: on_progress(Progress(stage, told.step, told.total)),
        set_aside={},
    )
    try:
        vectors_fingerprint(context.config.features)
        vectors = stages.features(context, one.proposals)
        seconds = before.get(vectors.fingerprint) or seconds_an_image(context, one.proposals, TIMED)
    except UNAVAILABLE as fault:  # not DatasetError: images that are gone are no fault of an encoder
        return row | {"reason": str(fault)}
    curve = silhouettes(context, vectors, settings.most)
    found = tables.read_how_many(curve)
    clusters = stages.clustering(context, vectors, min(one.clusters or found.clusters, len(vectors.table())))
    return row | {
        "artifacts": {made.kind: made.fingerprint for made in (vectors, curve, clusters)},
        **_silhouette(found),
        "seconds": seconds,
        **_scores(one, clusters),
    }


def _silhouette(found: HowMany) -> dict[str, Any]:
    curve = found.curves[0] if found.curves else None
    pairs = [] if curve is None else zip(curve.x.tolist(), curve.value.tolist(), strict=True)
    return {
        "silhouette": found.silhouette,
        "best": None if curve is None else curve.suggestion,
        "curve": [{"clusters": int(k), "silhouette": value} for k, value in pairs],
    }


def _scores(one: _Compared, clustering: Artifact) -> dict[str, Any]:
    """How well the clusters agree with the ground truth, each None without any."""
    table = tables.read_clusters(clustering)
    nothing: dict[str, Any] = dict.fromkeys(("nmi", "ari", "miou", "matching"))
    whole, truth = one.context.dataset.image_classes, one.context.dataset.truth
    if one.counts is None or truth is None:
        true = None if whole is None else image_classes_of(table.proposal_id, whole.index_of)
        return nothing | _agreement(table.cluster, true) | {"scored": table.count}
    counts = tables.read_counts(one.counts)
    rows = counts.rows_of(table.proposal_id)
    pixels = ImageRows.of_counts(counts, rows, table.cluster, table.count).contingency
    matching = match(pixels)
    miou = score(pixels, matching, truth.classes).miou
    agreed = _agreement(table.cluster, majority_classes(counts, rows))
    return nothing | agreed | {"miou": miou, "matching": matching.mode, "scored": table.count}


def _agreement(cluster: IntArray, true: IntArray | None) -> dict[str, float]:
    """NMI and ARI of clusters and classes, proposal by proposal; nothing where none has both."""
    quality = None if true is None else cluster_quality(cluster, true)
    return {} if quality is None else {"nmi": quality.nmi, "ari": quality.ari}

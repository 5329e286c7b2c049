"""Several detectors on the same images: `comus saliency compare DATASET --detectors a,b,c`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa

from comus_core.config import RunConfig, SaliencySettings, TruthSettings
from comus_core.datasets.chosen_images import choose
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.datasets.records import Dataset
from comus_core.errors import DatasetError, SettingsError, WeightsError
from comus_core.evaluation import saliency_scores
from comus_core.files.atomic import write_json
from comus_core.pipelines.compared_speeds import compared_speeds
from comus_core.pipelines.image_index import keep_index
from comus_core.pipelines.model_selection import detector_supervision, non_commercial_of
from comus_core.pipelines.saliency_comparison import (
    chosen_detectors,
    comparison_file,
    stage_of,
    stored_comparison,
)
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings
from comus_core.runs import artifact_readers as tables
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Artifact, Workspace

TIMED = 16  # images that the speed is measured on, at most
UNAVAILABLE = (WeightsError, DatasetError, SettingsError)


def compare_saliency(
    dataset: str,
    workspace: Workspace,
    settings: SaliencyCompareSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Compare detectors on the same images of a data set, and keep the result in the workspace.

    Soft maps and proposals are those of a run with the same settings on the same images: what is there is reused, and
    what was stopped goes on. A detector that cannot be used here has its entry with the reason. The mask of an image
    holds the pixels of all its proposals; the IoU of two empty masks is 1. With ground truth, every class is
    foreground, and ignored pixels count nowhere.

    Returns:
        `dataset`, `compared_at` (seconds since the epoch), `device`, `found` (images in the data set), `images`
        (compared), `skipped_files` [{`path`, `reason`}], `settings`, `truth` {`images` (with ground truth), `line`} or
        None; `detectors`, an entry each: `detector`, `saliency` (settings), `supervision`, `non_commercial`, `reason`
        (why it cannot be used here, else None) and, if it can, `artifacts`, `proposals`, `empty` (percent of the images
        without a proposal), `seconds` (an image, measured on up to 16 images that are decoded already; None of masks
        that a file gives), and with ground truth `pooled_iou` and `mean_iou` (percent), `max_f`, `max_f_level` and
        `mae` (see `saliency_scores`), each None without; `agreement`, the mean IoU of every two in percent; and
        `image_rows` [{`image`, `height`, `width`, `agreement` (percent; None of one detector)}], most disagreement
        first.

    Raises:
        DatasetError: the data set cannot be used, or none of its images.
        SettingsError: an unknown detector.
        WorkspaceError: the disk is full.
    """
    from comus_core import stages
    from comus_core.machine.device import choose_device
    from comus_core.stages.saliency_measures import saliency_agreement

    chosen = chosen_detectors(settings)
    opened, refused = _opened(dataset, workspace, settings.truth)
    spec, drawn, device = absolute(opened.spec), _drawn(opened, settings), choose_device(device)
    keep_index(workspace, spec, opened)

    def context_of(saliency: SaliencySettings, told: OnProgress) -> StageContext:
        return StageContext(workspace, drawn, RunConfig(spec, saliency, truth=settings.truth), device, told)

    first = context_of(chosen[0], on_progress)
    images = stages.check_images(first)
    stages.require_usable(first, images)
    try:
        stages.check_truth(first, images)
    except DatasetError as fault:
        drawn, refused = replace(drawn, truth=None), str(fault)
    before = compared_speeds(lambda: stored_comparison(workspace, spec), device, "detectors", "soft_maps")
    rows, proposals, contexts = list[dict[str, Any]](), list[Artifact](), [first]
    for saliency in chosen:
        contexts.append(context_of(saliency, _under(stage_of(saliency.detector), on_progress)))
        row, found = _measured(contexts[-1], images, before)
        rows.append(row)
        proposals += [found] if found is not None else []
    pairs = saliency_agreement(context_of(chosen[0], on_progress), images, proposals)
    skipped = {one["path"]: one for context in contexts for one in context.skipped_files(images)}
    result = {
        "dataset": spec,
        "compared_at": time.time(),
        "device": device,
        "found": len(opened.files),
        "images": len(tables.usable_ids(images)),
        "skipped_files": list(skipped.values()),
        "settings": to_dict(settings),
        "truth": _truth(drawn, images, first, refused),
        "detectors": rows,
        **_agreement(pairs, images, len(proposals)),
    }
    write_json(comparison_file(workspace, spec), result)
    return result


def _opened(dataset: str, workspace: Workspace, truth: TruthSettings) -> tuple[Dataset, str]:
    """The data set, and why its ground truth is refused, if it is: detectors can be compared all the same."""
    try:
        return open_dataset(dataset, workspace.drawings, truth), ""
    except DatasetError as fault:
        return open_dataset(dataset, workspace.drawings, TruthSettings(read=False)), str(fault)


def _drawn(opened: Dataset, settings: SaliencyCompareSettings) -> Dataset:
    """The data set with the images that are compared: all, where they are few enough."""
    from comus_core.stages.learned_detector import drawn_images

    if settings.images >= len(opened.files):
        return opened
    return choose(opened, drawn_images([file.image_id for file in opened.files], settings.images, settings.seed))


def _under(stage: str, on_progress: OnProgress) -> OnProgress:
    """Progress told under one stage, whatever the stages within it are called."""
    return lambda progress: on_progress(Progress(stage, progress.step, progress.total))


def _measured(
    context: StageContext, images: Artifact, before: dict[str, float]
) -> tuple[dict[str, Any], Artifact | None]:
    """The entry of a detector, and its proposals; None where it cannot be used here."""
    from comus_core import stages
    from comus_core.saliency.detectors import detector_fingerprint
    from comus_core.stages.saliency_measures import saliency_measures

    saliency = context.config.saliency
    row: dict[str, Any] = {
        "detector": saliency.detector,
        "saliency": to_dict(saliency),
        "supervision": asdict(detector_supervision(saliency)),
        "non_commercial": non_commercial_of(saliency),
        "reason": None,
    }
    try:
        detector_fingerprint(saliency, context.dataset.files)
        maps = stages.soft_maps(context, images)
        found = stages.proposals(context, images, maps)
        measures = saliency_measures(context, images, maps, found)
        seconds = before[maps.fingerprint] if maps.fingerprint in before else _seconds(context, images)
    except UNAVAILABLE as fault:
        return row | {"reason": str(fault)}, None
    ids = tables.usable_ids(images)
    with_proposal = set(tables.read_proposals_lightly(found).image_id) & set(ids)
    return row | {
        "artifacts": {one.kind: one.fingerprint for one in (maps, found, measures)},
        "proposals": found.table(["proposal_id"]).num_rows,
        "empty": 100 * (len(ids) - len(with_proposal)) / len(ids),
        "seconds": seconds,
        **_scores(measures.table()),
    }, found


def _seconds(context: StageContext, images: Artifact) -> float | None:
    """How long the detector takes for an image; None of masks that a file gives."""
    from comus_core.datasets.reading import read_ahead
    from comus_core.saliency.detectors import detector_spec, load_detector
    from comus_core.saliency.speed import seconds_an_image
    from comus_core.stages.learned_detector import learned_detector, read_learned

    saliency = context.config.saliency
    if not detector_spec(saliency.detector).finds:
        return None
    learned = learned_detector(context, images)
    detector = load_detector(saliency, context.device, read_learned(learned) if learned else None)
    ids = tables.usable_ids(images)[:TIMED]
    return seconds_an_image(detector, list(read_ahead(context.dataset, ids, detector.at_least)), ids)


def _scores(measures: pa.Table) -> dict[str, float | int | None]:
    """The scores against the ground truth, each None without any."""
    scored = measures.filter(pa.compute.is_valid(measures.column("levels")))
    if not scored.num_rows:
        return dict.fromkeys(("pooled_iou", "mean_iou", "max_f", "max_f_level", "mae"))
    levels = np.array(scored.column("levels").to_pylist(), np.int64).reshape(-1, 2, saliency_scores.LEVELS)
    overlaps = np.stack([scored.column(name).to_numpy() for name in ("intersection", "union")], axis=1)
    best = saliency_scores.max_f_measure(levels)
    return {
        "pooled_iou": _percent(saliency_scores.pooled_iou(overlaps)),
        "mean_iou": _percent(saliency_scores.mean_iou(overlaps)),
        "max_f": best.value if best is not None else None,
        "max_f_level": best.level if best is not None else None,
        "mae": saliency_scores.mean_absolute_error(levels),
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _truth(dataset: Dataset, images: Artifact, context: StageContext, refused: str) -> dict[str, Any] | None:
    """How many of the images have ground truth, and what is said of it; None where none lies there."""
    if refused:
        return {"images": 0, "line": f"no ground truth: {refused}"}
    if dataset.truth is None or context.truth_report is None:
        return None
    labelled = sum(map(dataset.truth.has, tables.usable_ids(images)))
    return {"images": labelled, "line": context.truth_report.line}


def _agreement(pairs: Artifact, images: Artifact, detectors: int) -> dict[str, Any]:
    """The matrix of all detectors that could be used, and the images with the least agreement first."""
    table, sizes = pairs.table(["image_id", "ious"]), tables.image_sizes(images)
    ious = np.array(table.column("ious").to_pylist(), np.float64).reshape(table.num_rows, -1)
    means: Sequence[float | None] = (100 * ious.mean(axis=1)).tolist() if ious.shape[1] else [None] * len(ious)
    rows = [
        {"image": i, "height": sizes[i][0], "width": sizes[i][1], "agreement": mean}
        for i, mean in zip(table.column("image_id").to_pylist(), means, strict=True)
    ]
    rows.sort(key=lambda row: (row["agreement"] if row["agreement"] is not None else 0, row["image"]))
    matrix = 100 * saliency_scores.agreement_matrix(ious, detectors) if detectors else np.zeros((0, 0))
    return {"agreement": matrix.tolist(), "image_rows": rows}

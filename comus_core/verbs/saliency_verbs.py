"""The verbs on saliency alone: detectors compared, one trained, its maps written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from comus_core.files.output_file import writable_file, writable_folder
from comus_core.pipelines.model_selection import badge, resolve_saliency
from comus_core.pipelines.saliency_comparison import chosen_detectors, compared, stage_of
from comus_core.pipelines.saliency_settings import (
    SaliencyCompareSettings,
    SaliencyPredictSettings,
    SaliencyTrainSettings,
)
from comus_core.saliency.refinement import refiners
from comus_core.text import counted, size
from comus_core.verbs import job_words
from comus_core.verbs.verb import Stage, Verb


def _train_lines(result: Mapping[str, Any]) -> list[str]:
    use = f"comus run {quote(result['dataset'])} --saliency {quote(result['detector'])}"
    return [
        *(f"skipped {skipped['path']}: {skipped['reason']}" for skipped in result["skipped_files"]),
        f"learned from {counted(result['images'], 'image')}: {result['path']}, {size(result['bytes'])}",
        f"use it with `{use}`",
    ]


def _train_outcome(result: Mapping[str, Any], _: Any) -> str:
    return f"detector learned from {counted(result['images'], 'image')}, written to {result['path']}"


def _predict_lines(result: Mapping[str, Any]) -> list[str]:
    lines = [f"skipped {skipped['path']}: {skipped['reason']}" for skipped in result["skipped_files"]]
    lines += [f"replaced {name}" for name in result["replaced"]]
    owed = badge(result["supervision"], result["non_commercial"])
    return [*lines, f"{counted(len(result['maps']), 'map')} of {result['detector']} in {result['path']}; {owed}"]


def _check_predict(settings: SaliencyPredictSettings) -> None:
    writable_folder(Path(settings.out).expanduser())
    resolve_saliency(settings.saliency)
    refiners.check(settings.saliency)


def _check_compare(settings: SaliencyCompareSettings) -> None:
    for chosen in chosen_detectors(settings):
        refiners.check(chosen)


def _compare_stages(_: Any, settings: SaliencyCompareSettings) -> tuple[Stage, ...]:
    names = (stage_of(name) for name in dict.fromkeys(settings.detectors))
    own = (Stage(name, name.removeprefix("maps of ")) for name in names)
    return (*job_words.named("images"), *own, Stage("agreement", "Agreement"))


def _compare_lines(result: Mapping[str, Any]) -> list[str]:
    lines = [f"skipped {skipped['path']}: {skipped['reason']}" for skipped in result["skipped_files"]]
    lines += [_detector_line(row) for row in result["detectors"]]
    names = [row["detector"] for row in compared(result)]
    for one, row in enumerate(result["agreement"]):
        others = (f"{row[other]:.1f} with {names[other]}" for other in range(len(names)) if other != one)
        if len(names) > 1:
            lines.append(f"agreement of {names[one]} (mean IoU, percent): {', '.join(others)}")
    scored = f", {result['truth']['images']} of them with ground truth" if result["truth"] else ""
    return [*lines, f"compared on {counted(result['images'], 'image')} of {result['found']:,}{scored}"]


def _detector_line(row: Mapping[str, Any]) -> str:
    if row["reason"] is not None:
        return f"{row['detector']}: not available here: {row['reason']}"
    parts = [f"{row['empty']:.1f} % of the images without a proposal"]
    parts += [f"{row['seconds']:.3f} s an image without decoding"] if row["seconds"] is not None else []
    if row["mean_iou"] is not None:
        pooled = "-" if row["pooled_iou"] is None else f"{row['pooled_iou']:.1f}"
        best = "-" if row["max_f"] is None else f"{row['max_f']:.3f}"
        parts += [f"IoU pooled {pooled}, mean {row['mean_iou']:.1f}", f"max F {best}, MAE {row['mae']:.3f}"]
    return f"{row['detector']}: {'; '.join(parts)}; {badge(row['supervision'], row['non_commercial'])}"


def _compare_outcome(result: Mapping[str, Any], _: Any) -> str:
    words = f"{counted(len(compared(result)), 'detector')} compared on {counted(result['images'], 'image')}"
    missing = len(result["detectors"]) - len(compared(result))
    return words + (f", {missing} not available here" if missing else "")


SALIENCY = (
    Verb(
        name="saliency-compare",
        command="saliency compare",
        subject="dataset",
        settings=SaliencyCompareSettings,
        function="compare_saliency",
        phrase=lambda _, settings: f"comparison of {counted(len(settings.detectors), 'detector')}",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=_compare_stages,
        check=_check_compare,
        lines=_compare_lines,
        outcome=_compare_outcome,
    ),
    Verb(
        name="saliency-train",
        command="saliency train",
        subject="dataset",
        settings=SaliencyTrainSettings,
        function="train_saliency",
        phrase=lambda _, __: "training of a detector",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (
            *job_words.named("images"),
            Stage("priors", "Priors"),
            Stage("networks", "Networks"),
        ),
        check=lambda settings: writable_file(Path(settings.out).expanduser(), force=settings.force),
        lines=_train_lines,
        outcome=_train_outcome,
    ),
    Verb(
        name="saliency-predict",
        command="saliency predict",
        subject="dataset",
        settings=SaliencyPredictSettings,
        function="predict_saliency",
        phrase=lambda _, settings: f"saliency maps of {settings.saliency.detector}",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (*job_words.named("images", "saliency"), Stage("maps", "Maps")),
        check=_check_predict,
        lines=_predict_lines,
        outcome=lambda result, _: f"{counted(len(result['maps']), 'map')} written to {result['path']}",
    ),
)

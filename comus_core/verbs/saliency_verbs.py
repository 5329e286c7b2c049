"""The verbs on saliency alone: a detector trained, its maps written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from comus_core.files.output_file import writable_file, writable_folder
from comus_core.pipelines.model_selection import badge, resolve_saliency
from comus_core.pipelines.saliency_settings import SaliencyPredictSettings, SaliencyTrainSettings
from comus_core.saliency.refinement import refiners
from comus_core.text import counted
from comus_core.verbs import job_words
from comus_core.verbs.verb import Stage, Verb


def _train_lines(result: Mapping[str, Any]) -> list[str]:
    use = f"comus run {quote(result['dataset'])} --saliency {quote(result['detector'])}"
    return [
        *(f"skipped {skipped['path']}: {skipped['reason']}" for skipped in result["skipped_files"]),
        f"learned from {counted(result['images'], 'image')}: {result['path']}, {result['bytes'] / 1e6:.1f} MB",
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


SALIENCY = (
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
            Stage("first network", "First network"),
            Stage("later networks", "Later networks"),
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

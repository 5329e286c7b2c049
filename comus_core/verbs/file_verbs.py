"""The verbs that write a run, or what is known of it, as files, and the one that opens such a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.files.new_folder import new_folder
from comus_core.files.output_file import writable_file, writable_folder
from comus_core.files.own_folders import is_bundle_file
from comus_core.pipelines import verb_settings
from comus_core.pipelines.export_settings import ExportSettings, ObjectsSettings
from comus_core.pipelines.package_folder import require_onnx
from comus_core.text import counted
from comus_core.verbs import job_words, outcomes, result_lines
from comus_core.verbs.verb import Stage, Verb


def _check_bundle(settings: Any) -> None:
    writable_file(Path(settings.out).expanduser(), force=settings.force, is_own=is_bundle_file)


def _check_report(settings: Any) -> None:
    writable_file(Path(settings.out).expanduser(), force=settings.force)


def _check_export(settings: Any) -> None:
    out = Path(settings.out).expanduser()
    writable_file(out, force=settings.force) if settings.is_zip else writable_folder(out)


def _check_objects(settings: Any) -> None:
    if settings.out is not None:
        writable_file(Path(settings.out).expanduser(), force=settings.force)


def _check_package(settings: Any) -> None:
    require_onnx()
    new_folder(Path(settings.out).expanduser())


FILES = (
    Verb(
        name="bundle",
        subject="run",
        settings=verb_settings.BundleSettings,
        phrase=lambda _, settings: f"bundle {Path(settings.out).name}",
        is_job=True,
        stages=lambda _, __: (Stage("", "Files"),),
        check=_check_bundle,
        lines=result_lines.bundle_lines,
        outcome=outcomes.bundle_outcome,
    ),
    Verb(
        name="export",
        subject="round",
        settings=ExportSettings,
        function="export_run",  # `comus_core.export` is the room
        phrase=lambda key, settings: job_words.with_round(f"export to {settings.format}", key),
        title=lambda key, _: str(key),
        is_job=True,
        stages=job_words.export_stages,
        check=_check_export,
        lines=result_lines.export_lines,
        outcome=outcomes.export_outcome,
    ),
    Verb(
        name="objects",
        subject="run",
        settings=ObjectsSettings,
        phrase=lambda _, __: "table of objects",
        is_job=True,
        stages=lambda _, __: (Stage("", "Measures"),),
        check=_check_objects,
        lines=result_lines.objects_lines,
        outcome=outcomes.objects_outcome,
    ),
    Verb(
        name="package",
        subject="round",
        settings=verb_settings.PackageSettings,
        phrase=lambda key, _: job_words.with_round("package", key),
        is_job=True,
        stages=job_words.package_stages,
        check=_check_package,
        lines=result_lines.package_lines,
        outcome=outcomes.package_outcome,
    ),
    Verb(
        name="report",
        subject="workspace",
        settings=verb_settings.ReportSettings,
        phrase=lambda _, settings: f"report on {counted(len(settings.runs), 'run')}",
        title=lambda _, settings: ", ".join(settings.runs),
        arguments=("runs",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Report"),),
        check=_check_report,
        lines=result_lines.report_lines,
        outcome=outcomes.report_outcome,
    ),
    Verb(
        name="open-bundle",
        subject="file",
        settings=verb_settings.OpenBundleSettings,
        phrase=lambda _, __: "opening of a bundle",
        lines=lambda run: [result_lines.run_line(run)],
    ),
)

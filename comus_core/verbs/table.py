"""Every verb, one entry each. A new verb is a function in `comus_core`, a settings class, and an entry here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError
from comus_core.files.new_folder import new_folder
from comus_core.files.output_file import writable_file, writable_folder
from comus_core.files.own_folders import is_bundle_file
from comus_core.pipelines import edit_settings, verb_settings
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.pipelines.export_settings import ExportSettings, ObjectsSettings
from comus_core.pipelines.package_folder import require_onnx
from comus_core.text import counted
from comus_core.training.settings import TrainSettings
from comus_core.types import STAGES
from comus_core.verbs import job_words, outcomes, result_lines
from comus_core.verbs.dataset_verbs import DATASETS
from comus_core.verbs.encoder_verbs import ENCODERS
from comus_core.verbs.paper_verbs import PAPER
from comus_core.verbs.saliency_verbs import SALIENCY
from comus_core.verbs.verb import STAGE_WORDS, Stage, Verb


def _check_names(settings: Any) -> None:
    writable_file(Path(settings.csv).expanduser(), force=settings.force)


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


_ENTRIES = (
    Verb(
        name="discover",
        command="run",
        subject="config",
        settings=verb_settings.DiscoverSettings,
        phrase=lambda config, _: job_words.networks_words(config),
        title=lambda config, _: job_words.dataset_words(config["dataset"]),
        is_job=True,
        stages=job_words.discover_stages,
        observers=("on_run",),
        lines=result_lines.discover_lines,
        outcome=outcomes.discover_outcome,
    ),
    Verb(
        name="train",
        subject="run",
        settings=TrainSettings,
        phrase=lambda _, settings: f"training with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.train_stages,
        observers=("on_training", "log"),
        lines=result_lines.train_lines,
        outcome=outcomes.train_outcome,
    ),
    Verb(
        name="ablate",
        subject="run",
        settings=AblationSettings,
        phrase=lambda _, settings: f"ablation with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.ablation_stages,
        observers=("on_row", "log"),
        lines=lambda _: [],
        outcome=outcomes.ablate_outcome,
        steps_over_all="all rows",
        notes={"on_row": result_lines.ablation_row_line},
    ),
    Verb(
        name="evaluate",
        subject="round",
        settings=verb_settings.EvaluateSettings,
        phrase=lambda key, _: job_words.with_round("evaluation", key),
        title=job_words.evaluate_title,
        arguments=("dataset",),
        is_job=True,
        stages=job_words.evaluate_stages,
        lines=result_lines.evaluate_lines,
        outcome=outcomes.evaluate_outcome,
    ),
    Verb(
        name="seeds",
        subject="run",
        settings=verb_settings.SeedsSettings,
        function="repeat_seeds",
        phrase=lambda _, settings: f"repetition with {counted(len(settings.seeds), 'seed')}",
        is_job=True,
        stages=job_words.seeds_stages,
        observers=("on_row", "log"),
        lines=result_lines.seeds_lines,
        outcome=outcomes.seeds_outcome,
        notes={"on_row": result_lines.seeds_row_line},
    ),
    Verb(
        name="compare",
        subject="rounds",
        settings=verb_settings.CompareSettings,
        phrase=lambda _, __: "comparison of two rounds",
        arguments=("dataset",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Scores"),),
        lines=result_lines.compare_lines,
        outcome=outcomes.compare_outcome,
    ),
    Verb(
        name="agreement",
        subject="rounds",
        settings=verb_settings.AgreementSettings,
        phrase=lambda _, __: "agreement of two rounds",
        is_job=True,
        stages=lambda _, __: (Stage("", "Masks"),),
        lines=result_lines.agreement_lines,
        outcome=outcomes.agreement_outcome,
    ),
    Verb(
        name="predict",
        subject="round",
        settings=verb_settings.PredictSettings,
        phrase=lambda key, _: job_words.with_round("prediction", key),
        title=lambda _, settings: counted(len(settings.images), "image"),
        arguments=("images",),
        is_job=True,
        stages=job_words.predict_stages,
        check=lambda settings: writable_folder(Path(settings.out).expanduser()),
        lines=result_lines.predict_lines,
        outcome=outcomes.predict_outcome,
    ),
    Verb(
        name="add",
        subject="run",
        settings=verb_settings.AddSettings,
        function="add_images",
        phrase=lambda run, _: f"addition of images to {run}",
        title=lambda _, settings: job_words.dataset_words(settings.dataset),
        arguments=("dataset",),
        is_job=True,
        stages=lambda _, __: job_words.named(*STAGES),
        observers=("on_run",),
        lines=result_lines.add_lines,
        outcome=outcomes.add_outcome,
    ),
    Verb(
        name="import",
        subject="run",
        settings=verb_settings.ImportSettings,
        function="import_annotations",
        phrase=lambda run, settings: f"preview of an import to {run}" if settings.preview else f"import to {run}",
        title=lambda _, settings: Path(settings.path).name,
        arguments=("path",),
        is_job=True,
        stages=job_words.import_stages,
        observers=("on_run",),
        lines=lambda imported: imported.lines(),
        outcome=outcomes.import_outcome,
    ),
    Verb(
        name="how-many",
        subject="run",
        settings=verb_settings.HowManySettings,
        phrase=lambda _, __: "estimate of the number of clusters",
        is_job=True,
        stages=lambda _, __: (Stage("", STAGE_WORDS["clustering"]),),
        lines=result_lines.how_many_lines,
        outcome=outcomes.how_many_outcome,
    ),
    Verb(
        name="similar",
        subject="run",
        settings=verb_settings.SimilarSettings,
        phrase=lambda _, __: "search for similar proposals",
        title=lambda _, settings: job_words.compared_words(settings.proposals, settings.picture),
        arguments=("proposals",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Search"),),
        lines=result_lines.similar_lines,
        outcome=outcomes.similar_outcome,
    ),
    Verb(
        name="images",
        subject="dataset",
        settings=verb_settings.HealthSettings,
        function="check_health",
        phrase=lambda _, __: "check of the images",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (*job_words.named("images"), Stage("health", "Health")),
        lines=result_lines.health_lines,
        outcome=outcomes.health_outcome,
    ),
    Verb(
        name="exclude-from-dataset",
        command="exclude",
        subject="dataset",
        settings=verb_settings.DatasetExclusionSettings,
        function="exclude_from_dataset",
        phrase=lambda _, __: "exclusion of images",
        arguments=("images",),
        lines=result_lines.exclusion_lines,
    ),
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
    Verb(
        name="relink",
        command="runs relink",
        subject="run",
        settings=verb_settings.RelinkSettings,
        phrase=lambda _, __: "new folder of a run",
        arguments=("folder",),
        lines=lambda relinked: relinked.lines(),
    ),
    Verb(
        name="delete",
        command="runs delete",
        subject="run",
        settings=verb_settings.DeleteSettings,
        phrase=lambda _, __: "deletion of a run",
        lines=lambda deletion: [deletion.words()],
    ),
    Verb(
        name="clean",
        subject="workspace",
        settings=verb_settings.CleanSettings,
        phrase=lambda _, __: "clean-up",
        lines=result_lines.clean_lines,
    ),
    Verb(
        name="verify",
        subject="workspace",
        settings=verb_settings.VerifySettings,
        phrase=lambda _, __: "check of the artifacts",
        lines=result_lines.verify_lines,
    ),
    Verb(
        name="disk",
        subject="workspace",
        settings=verb_settings.DiskSettings,
        function="disk_use",
        phrase=lambda _, __: "disk use",
        lines=result_lines.disk_lines,
    ),
)


def _edit(name: str, settings: type, function: str, *arguments: str) -> Verb:
    """A decision on the clusters of a run."""
    return Verb(
        name=name,
        command=f"clusters {name}",
        subject="run",
        settings=settings,
        function=function,
        phrase=lambda _, __: name.replace("-", " "),
        arguments=arguments,
        lines=lambda edit: [edit.line()],
    )


_EDITS = (
    _edit("rename", edit_settings.RenameSettings, "rename_cluster", "cluster", "name"),
    _edit("reset-name", edit_settings.ResetNameSettings, "reset_cluster_name", "cluster"),
    _edit("merge", edit_settings.MergeSettings, "merge_clusters", "clusters"),
    _edit("split", edit_settings.SplitSettings, "split_cluster", "cluster"),
    _edit("reject", edit_settings.RejectSettings, "reject_clusters", "clusters"),
    _edit("restore", edit_settings.RestoreSettings, "restore_clusters", "clusters"),
    _edit("move", edit_settings.MoveSettings, "move_proposals", "proposals"),
    _edit("new", edit_settings.CreateSettings, "create_category", "name", "proposals"),
    _edit("accept", edit_settings.AcceptSettings, "accept_proposals", "proposals"),
    _edit("erase", edit_settings.EraseSettings, "erase_proposals", "proposals"),
    _edit("put-back", edit_settings.PutBackSettings, "put_back_proposals", "proposals"),
    _edit("exclude", edit_settings.ExcludeSettings, "exclude_images", "images"),
    _edit("include", edit_settings.IncludeSettings, "include_images", "images"),
    _edit("redraw", edit_settings.RedrawSettings, "redraw_mask", "proposal"),
    _edit("draw", edit_settings.DrawSettings, "draw_object", "image"),
    _edit("separate", edit_settings.SeparateSettings, "separate_objects", "proposal"),
    _edit("filter", edit_settings.FilterSettings, "set_filter", "percent"),
    _edit("undo", edit_settings.UndoSettings, "undo_decision"),
    _edit("redo", edit_settings.RedoSettings, "redo_decision"),
)

_NAMES = (
    Verb(
        name="export-names",
        command="clusters names",
        subject="run",
        settings=edit_settings.ExportNamesSettings,
        function="export_names",
        phrase=lambda _, __: "export of names",
        check=_check_names,
        lines=lambda exported: exported.lines(),
    ),
    Verb(
        name="import-names",
        command="clusters names",
        subject="run",
        settings=edit_settings.ImportNamesSettings,
        function="import_names",
        phrase=lambda _, __: "import of names",
        lines=lambda imported: imported.lines(),
    ),
)

VERBS: dict[str, Verb] = {
    verb.name: verb for verb in (*_ENTRIES, *SALIENCY, *ENCODERS, *DATASETS, *PAPER, *_EDITS, *_NAMES)
}


def verb_named(name: str) -> Verb:
    """The verb of that name.

    Raises:
        SettingsError: there is none; lists those there are.
    """
    if name not in VERBS:
        raise SettingsError(f"verb '{name}': choose one of {', '.join(VERBS)}")
    return VERBS[name]

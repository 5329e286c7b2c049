"""Every verb, one entry each. A new verb is a function in `comus_core`, a settings class, and an entry here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.errors import SettingsError
from comus_core.files.output_file import writable_file, writable_folder
from comus_core.files.own_folders import is_bundle_file
from comus_core.pipelines import edit_settings, verb_settings
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.text import counted
from comus_core.training.settings import TrainSettings
from comus_core.types import STAGES
from comus_core.verbs import job_words, result_lines
from comus_core.verbs.verb import STAGE_WORDS, Stage, Verb


def _check_bundle(settings: Any) -> None:
    writable_file(Path(settings.out).expanduser(), force=settings.force, is_own=is_bundle_file)


_ENTRIES = (
    Verb(
        name="discover",
        command="run",
        subject="config",
        settings=verb_settings.DiscoverSettings,
        function="discover",
        phrase=lambda config, _: job_words.networks_words(config),
        title=lambda config, _: job_words.dataset_words(config["dataset"]),
        is_job=True,
        stages=job_words.discover_stages,
        observers=("on_run",),
        lines=result_lines.discover_lines,
    ),
    Verb(
        name="train",
        command="train",
        subject="run",
        settings=TrainSettings,
        function="train",
        phrase=lambda _, settings: f"training with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.train_stages,
        observers=("on_training", "log"),
        lines=result_lines.train_lines,
    ),
    Verb(
        name="ablate",
        command="ablate",
        subject="run",
        settings=AblationSettings,
        function="ablate",
        phrase=lambda _, settings: f"ablation with {settings.training.network.backbone}",
        is_job=True,
        stages=job_words.ablation_stages,
        observers=("on_row", "log"),
        lines=lambda _: [],
        steps_over_all="all rows",
        notes={"on_row": result_lines.ablation_row_line},
    ),
    Verb(
        name="evaluate",
        command="evaluate",
        subject="round",
        settings=verb_settings.EvaluateSettings,
        function="evaluate",
        phrase=lambda key, _: job_words.with_round("evaluation", key),
        title=lambda _, settings: job_words.dataset_words(settings.dataset),
        arguments=("dataset",),
        is_job=True,
        stages=job_words.evaluate_stages,
        lines=result_lines.evaluate_lines,
    ),
    Verb(
        name="compare",
        command="compare",
        subject="rounds",
        settings=verb_settings.CompareSettings,
        function="compare",
        phrase=lambda _, __: "comparison of two rounds",
        arguments=("dataset",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Scores"),),
        lines=result_lines.compare_lines,
    ),
    Verb(
        name="agreement",
        command="agreement",
        subject="rounds",
        settings=verb_settings.AgreementSettings,
        function="agreement",
        phrase=lambda _, __: "agreement of two rounds",
        is_job=True,
        stages=lambda _, __: (Stage("", "Masks"),),
        lines=result_lines.agreement_lines,
    ),
    Verb(
        name="predict",
        command="predict",
        subject="round",
        settings=verb_settings.PredictSettings,
        function="predict",
        phrase=lambda key, _: job_words.with_round("prediction", key),
        title=lambda _, settings: counted(len(settings.images), "image"),
        arguments=("images",),
        is_job=True,
        stages=job_words.predict_stages,
        check=lambda settings: writable_folder(Path(settings.out).expanduser()),
        lines=result_lines.predict_lines,
    ),
    Verb(
        name="add",
        command="add",
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
    ),
    Verb(
        name="how-many",
        command="how-many",
        subject="run",
        settings=verb_settings.HowManySettings,
        function="how_many",
        phrase=lambda _, __: "estimate of the number of clusters",
        is_job=True,
        stages=lambda _, __: (Stage("", STAGE_WORDS["clustering"]),),
        lines=result_lines.how_many_lines,
    ),
    Verb(
        name="similar",
        command="similar",
        subject="run",
        settings=verb_settings.SimilarSettings,
        function="similar",
        phrase=lambda _, __: "search for similar proposals",
        title=lambda _, settings: Path(settings.picture).name,
        arguments=("picture",),
        is_job=True,
        stages=lambda _, __: (Stage("", "Search"),),
        lines=result_lines.similar_lines,
    ),
    Verb(
        name="images",
        command="images",
        subject="dataset",
        settings=verb_settings.HealthSettings,
        function="check_health",
        phrase=lambda _, __: "check of the images",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (*job_words.named("images"), Stage("health", "Health")),
        lines=result_lines.health_lines,
    ),
    Verb(
        name="bundle",
        command="bundle",
        subject="run",
        settings=verb_settings.BundleSettings,
        function="bundle",
        phrase=lambda _, settings: f"bundle {Path(settings.out).name}",
        is_job=True,
        stages=lambda _, __: (Stage("", "Files"),),
        check=_check_bundle,
        lines=result_lines.bundle_lines,
    ),
    Verb(
        name="open-bundle",
        command="open-bundle",
        subject="file",
        settings=verb_settings.OpenBundleSettings,
        function="open_bundle",
        phrase=lambda _, __: "opening of a bundle",
        lines=lambda run: [result_lines.run_line(run)],
    ),
    Verb(
        name="relink",
        command="runs relink",
        subject="run",
        settings=verb_settings.RelinkSettings,
        function="relink",
        phrase=lambda _, __: "new folder of a run",
        arguments=("folder",),
        lines=lambda relinked: relinked.lines(),
    ),
    Verb(
        name="delete",
        command="runs delete",
        subject="run",
        settings=verb_settings.DeleteSettings,
        function="delete",
        phrase=lambda _, __: "deletion of a run",
        lines=lambda deletion: [deletion.words()],
    ),
    Verb(
        name="clean",
        command="clean",
        subject="workspace",
        settings=verb_settings.CleanSettings,
        function="clean",
        phrase=lambda _, __: "clean-up",
        lines=result_lines.clean_lines,
    ),
    Verb(
        name="verify",
        command="verify",
        subject="workspace",
        settings=verb_settings.VerifySettings,
        function="verify",
        phrase=lambda _, __: "check of the artifacts",
        lines=result_lines.verify_lines,
    ),
    Verb(
        name="disk",
        command="disk",
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
    _edit("accept", edit_settings.AcceptSettings, "accept_proposals", "proposals"),
    _edit("erase", edit_settings.EraseSettings, "erase_proposals", "proposals"),
    _edit("filter", edit_settings.FilterSettings, "set_filter", "percent"),
    _edit("undo", edit_settings.UndoSettings, "undo_decision"),
    _edit("redo", edit_settings.RedoSettings, "redo_decision"),
)

VERBS: dict[str, Verb] = {verb.name: verb for verb in (*_ENTRIES, *_EDITS)}


def verb_named(name: str) -> Verb:
    """The verb of that name.

    Raises:
        SettingsError: there is none; lists those there are.
    """
    if name not in VERBS:
        raise SettingsError(f"verb '{name}': choose one of {', '.join(VERBS)}")
    return VERBS[name]

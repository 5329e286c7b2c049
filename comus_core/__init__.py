"""COMUS Explorer: discover the object categories in a pile of photographs, without a single label.

    from comus_core import discover, make_config, open_workspace

    run = discover(make_config(dataset="photos"), open_workspace())
    print(run.result["evaluation"])

Every verb is called as `verb(subject, workspace, settings, *, device, on_progress)`; `comus_core.verbs` lists them.
`device` is `auto`, `cpu`, `cuda`, `cuda:N` or `mps`, and part of no fingerprint; neither is where images are worked on,
which `with computing("processes:4"):` or `computing("ray")` says. `on_progress` is called at every few
images or steps; raising `Cancelled` there stops cleanly, and the same call goes on from there.
Names load on first use, so that the interface side never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from comus_core.files.user_folders import provide_caches

provide_caches()

if TYPE_CHECKING:
    from comus_core.compute import computing
    from comus_core.config import PRESETS, RunConfig, make_config
    from comus_core.errors import ComusError
    from comus_core.export.bundle import bundle
    from comus_core.export.bundle_opening import open_bundle
    from comus_core.export.export_run import ExportResult, export_run
    from comus_core.export.import_annotations import import_annotations
    from comus_core.export.package import package
    from comus_core.export.paper_figures import paper_figure
    from comus_core.export.report import report
    from comus_core.maintenance.clean import clean
    from comus_core.maintenance.delete import delete
    from comus_core.maintenance.disk_use import disk_use
    from comus_core.maintenance.verify import verify
    from comus_core.pipelines.ablate import ablate
    from comus_core.pipelines.ablation_rows import AblationSettings
    from comus_core.pipelines.add_images import add_images
    from comus_core.pipelines.agreement import agreement
    from comus_core.pipelines.cluster_names import export_names, import_names
    from comus_core.pipelines.compare import compare
    from comus_core.pipelines.compare_encoders import compare_encoders
    from comus_core.pipelines.compare_saliency import compare_saliency
    from comus_core.pipelines.dataset_settings import (
        DatasetCheckSettings,
        DatasetDownloadSettings,
        DatasetListSettings,
    )
    from comus_core.pipelines.discover import discover
    from comus_core.pipelines.edit_clusters import (
        accept_proposals,
        erase_proposals,
        merge_clusters,
        move_proposals,
        redo_decision,
        reject_clusters,
        rename_cluster,
        reset_cluster_name,
        restore_clusters,
        set_filter,
        split_cluster,
        undo_decision,
    )
    from comus_core.pipelines.edit_objects import draw_object, separate_objects
    from comus_core.pipelines.edit_selection import (
        create_category,
        exclude_images,
        include_images,
        put_back_proposals,
        redraw_mask,
    )
    from comus_core.pipelines.edit_settings import (
        AcceptSettings,
        CreateSettings,
        DrawSettings,
        EraseSettings,
        ExcludeSettings,
        ExportNamesSettings,
        FilterSettings,
        ImportNamesSettings,
        IncludeSettings,
        MergeSettings,
        MoveSettings,
        PutBackSettings,
        RedoSettings,
        RedrawSettings,
        RejectSettings,
        RenameSettings,
        ResetNameSettings,
        RestoreSettings,
        SeparateSettings,
        SplitSettings,
        UndoSettings,
    )
    from comus_core.pipelines.encoder_settings import EncoderCompareSettings
    from comus_core.pipelines.evaluate import evaluate
    from comus_core.pipelines.exclusion import exclude_from_dataset
    from comus_core.pipelines.export_settings import ExportSettings, ObjectsSettings
    from comus_core.pipelines.how_many import how_many
    from comus_core.pipelines.image_health import check_health
    from comus_core.pipelines.objects import Objects, objects
    from comus_core.pipelines.paper_tables.figure_settings import FigureSettings
    from comus_core.pipelines.paper_tables.paper_table import paper_table
    from comus_core.pipelines.paper_tables.table_settings import TableSettings
    from comus_core.pipelines.predict import predict
    from comus_core.pipelines.predict_saliency import predict_saliency
    from comus_core.pipelines.published_datasets import check_dataset, download_dataset, list_datasets
    from comus_core.pipelines.relink import relink
    from comus_core.pipelines.repeat_seeds import repeat_seeds
    from comus_core.pipelines.saliency_settings import (
        SaliencyCompareSettings,
        SaliencyPredictSettings,
        SaliencyTrainSettings,
    )
    from comus_core.pipelines.similar import similar
    from comus_core.pipelines.train import train
    from comus_core.pipelines.train_saliency import train_saliency
    from comus_core.pipelines.verb_settings import (
        AddSettings,
        AgreementSettings,
        BundleSettings,
        CleanSettings,
        CompareSettings,
        DatasetExclusionSettings,
        DeleteSettings,
        DiscoverSettings,
        DiskSettings,
        EvaluateSettings,
        HealthSettings,
        HowManySettings,
        ImportSettings,
        OpenBundleSettings,
        PackageSettings,
        PredictSettings,
        RelinkSettings,
        ReportSettings,
        SeedsSettings,
        SimilarSettings,
        VerifySettings,
    )
    from comus_core.runs.run_round import RunRound, find_round
    from comus_core.runs.run_view import open_run_view
    from comus_core.scoring.round_scores import score_round
    from comus_core.training.presets import make_training
    from comus_core.training.settings import TrainingSettings, TrainSettings
    from comus_core.workspace import Run, Workspace, open_workspace

__version__ = "0.1.0"

_HOME = {
    "AblationSettings": "pipelines.ablation_rows",
    "AcceptSettings": "pipelines.edit_settings",
    "AddSettings": "pipelines.verb_settings",
    "AgreementSettings": "pipelines.verb_settings",
    "BundleSettings": "pipelines.verb_settings",
    "CleanSettings": "pipelines.verb_settings",
    "CompareSettings": "pipelines.verb_settings",
    "ComusError": "errors",
    "CreateSettings": "pipelines.edit_settings",
    "DeleteSettings": "pipelines.verb_settings",
    "DiscoverSettings": "pipelines.verb_settings",
    "DiskSettings": "pipelines.verb_settings",
    "DrawSettings": "pipelines.edit_settings",
    "EncoderCompareSettings": "pipelines.encoder_settings",
    "EraseSettings": "pipelines.edit_settings",
    "EvaluateSettings": "pipelines.verb_settings",
    "ExcludeSettings": "pipelines.edit_settings",
    "ExportNamesSettings": "pipelines.edit_settings",
    "ExportResult": "export.export_run",
    "ExportSettings": "pipelines.export_settings",
    "FigureSettings": "pipelines.paper_tables.figure_settings",
    "FilterSettings": "pipelines.edit_settings",
    "DatasetCheckSettings": "pipelines.dataset_settings",
    "DatasetDownloadSettings": "pipelines.dataset_settings",
    "DatasetExclusionSettings": "pipelines.verb_settings",
    "DatasetListSettings": "pipelines.dataset_settings",
    "HealthSettings": "pipelines.verb_settings",
    "HowManySettings": "pipelines.verb_settings",
    "ImportNamesSettings": "pipelines.edit_settings",
    "ImportSettings": "pipelines.verb_settings",
    "IncludeSettings": "pipelines.edit_settings",
    "MergeSettings": "pipelines.edit_settings",
    "MoveSettings": "pipelines.edit_settings",
    "Objects": "pipelines.objects",
    "ObjectsSettings": "pipelines.export_settings",
    "OpenBundleSettings": "pipelines.verb_settings",
    "PackageSettings": "pipelines.verb_settings",
    "PRESETS": "config",
    "PredictSettings": "pipelines.verb_settings",
    "PutBackSettings": "pipelines.edit_settings",
    "RedoSettings": "pipelines.edit_settings",
    "RedrawSettings": "pipelines.edit_settings",
    "RejectSettings": "pipelines.edit_settings",
    "RelinkSettings": "pipelines.verb_settings",
    "RenameSettings": "pipelines.edit_settings",
    "ReportSettings": "pipelines.verb_settings",
    "ResetNameSettings": "pipelines.edit_settings",
    "RestoreSettings": "pipelines.edit_settings",
    "SeparateSettings": "pipelines.edit_settings",
    "Run": "workspace",
    "RunConfig": "config",
    "RunRound": "runs.run_round",
    "SaliencyCompareSettings": "pipelines.saliency_settings",
    "SaliencyPredictSettings": "pipelines.saliency_settings",
    "SaliencyTrainSettings": "pipelines.saliency_settings",
    "SeedsSettings": "pipelines.verb_settings",
    "SimilarSettings": "pipelines.verb_settings",
    "SplitSettings": "pipelines.edit_settings",
    "TableSettings": "pipelines.paper_tables.table_settings",
    "TrainSettings": "training.settings",
    "TrainingSettings": "training.settings",
    "UndoSettings": "pipelines.edit_settings",
    "VerifySettings": "pipelines.verb_settings",
    "Workspace": "workspace",
    "ablate": "pipelines.ablate",
    "accept_proposals": "pipelines.edit_clusters",
    "add_images": "pipelines.add_images",
    "agreement": "pipelines.agreement",
    "bundle": "export.bundle",
    "check_dataset": "pipelines.published_datasets",
    "check_health": "pipelines.image_health",
    "exclude_from_dataset": "pipelines.exclusion",
    "clean": "maintenance.clean",
    "compare": "pipelines.compare",
    "compare_encoders": "pipelines.compare_encoders",
    "compare_saliency": "pipelines.compare_saliency",
    "create_category": "pipelines.edit_selection",
    "delete": "maintenance.delete",
    "discover": "pipelines.discover",
    "disk_use": "maintenance.disk_use",
    "download_dataset": "pipelines.published_datasets",
    "erase_proposals": "pipelines.edit_clusters",
    "evaluate": "pipelines.evaluate",
    "exclude_images": "pipelines.edit_selection",
    "export_names": "pipelines.cluster_names",
    "export_run": "export.export_run",
    "find_round": "runs.run_round",
    "how_many": "pipelines.how_many",
    "import_annotations": "export.import_annotations",
    "import_names": "pipelines.cluster_names",
    "include_images": "pipelines.edit_selection",
    "list_datasets": "pipelines.published_datasets",
    "computing": "compute",
    "make_config": "config",
    "make_training": "training.presets",
    "merge_clusters": "pipelines.edit_clusters",
    "move_proposals": "pipelines.edit_clusters",
    "objects": "pipelines.objects",
    "open_bundle": "export.bundle_opening",
    "open_run_view": "runs.run_view",
    "open_workspace": "workspace",
    "package": "export.package",
    "paper_figure": "export.paper_figures",
    "paper_table": "pipelines.paper_tables.paper_table",
    "predict": "pipelines.predict",
    "predict_saliency": "pipelines.predict_saliency",
    "put_back_proposals": "pipelines.edit_selection",
    "redo_decision": "pipelines.edit_clusters",
    "redraw_mask": "pipelines.edit_selection",
    "draw_object": "pipelines.edit_objects",
    "separate_objects": "pipelines.edit_objects",
    "reject_clusters": "pipelines.edit_clusters",
    "relink": "pipelines.relink",
    "rename_cluster": "pipelines.edit_clusters",
    "repeat_seeds": "pipelines.repeat_seeds",
    "report": "export.report",
    "reset_cluster_name": "pipelines.edit_clusters",
    "restore_clusters": "pipelines.edit_clusters",
    "score_round": "scoring.round_scores",
    "set_filter": "pipelines.edit_clusters",
    "similar": "pipelines.similar",
    "split_cluster": "pipelines.edit_clusters",
    "train": "pipelines.train",
    "train_saliency": "pipelines.train_saliency",
    "undo_decision": "pipelines.edit_clusters",
    "verify": "maintenance.verify",
}

__all__ = [
    "PRESETS",
    "AblationSettings",
    "AcceptSettings",
    "AddSettings",
    "AgreementSettings",
    "BundleSettings",
    "CleanSettings",
    "CompareSettings",
    "ComusError",
    "CreateSettings",
    "DatasetCheckSettings",
    "DatasetDownloadSettings",
    "DatasetExclusionSettings",
    "DatasetListSettings",
    "DeleteSettings",
    "DiscoverSettings",
    "DiskSettings",
    "DrawSettings",
    "EncoderCompareSettings",
    "EraseSettings",
    "EvaluateSettings",
    "ExcludeSettings",
    "ExportNamesSettings",
    "ExportResult",
    "ExportSettings",
    "FigureSettings",
    "FilterSettings",
    "HealthSettings",
    "HowManySettings",
    "ImportNamesSettings",
    "ImportSettings",
    "IncludeSettings",
    "MergeSettings",
    "MoveSettings",
    "Objects",
    "ObjectsSettings",
    "OpenBundleSettings",
    "PackageSettings",
    "PredictSettings",
    "PutBackSettings",
    "RedoSettings",
    "RedrawSettings",
    "RejectSettings",
    "RelinkSettings",
    "RenameSettings",
    "ReportSettings",
    "ResetNameSettings",
    "RestoreSettings",
    "Run",
    "RunConfig",
    "RunRound",
    "SaliencyCompareSettings",
    "SaliencyPredictSettings",
    "SaliencyTrainSettings",
    "SeedsSettings",
    "SeparateSettings",
    "SimilarSettings",
    "SplitSettings",
    "TableSettings",
    "TrainSettings",
    "TrainingSettings",
    "UndoSettings",
    "VerifySettings",
    "Workspace",
    "ablate",
    "accept_proposals",
    "add_images",
    "agreement",
    "bundle",
    "check_dataset",
    "check_health",
    "clean",
    "compare",
    "compare_encoders",
    "compare_saliency",
    "computing",
    "create_category",
    "delete",
    "discover",
    "disk_use",
    "download_dataset",
    "draw_object",
    "erase_proposals",
    "evaluate",
    "exclude_from_dataset",
    "exclude_images",
    "export_names",
    "export_run",
    "find_round",
    "how_many",
    "import_annotations",
    "import_names",
    "include_images",
    "list_datasets",
    "make_config",
    "make_training",
    "merge_clusters",
    "move_proposals",
    "objects",
    "open_bundle",
    "open_run_view",
    "open_workspace",
    "package",
    "paper_figure",
    "paper_table",
    "predict",
    "predict_saliency",
    "put_back_proposals",
    "redo_decision",
    "redraw_mask",
    "reject_clusters",
    "relink",
    "rename_cluster",
    "repeat_seeds",
    "report",
    "reset_cluster_name",
    "restore_clusters",
    "score_round",
    "separate_objects",
    "set_filter",
    "similar",
    "split_cluster",
    "train",
    "train_saliency",
    "undo_decision",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

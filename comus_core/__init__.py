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

# Module -> its public names.
_NAMES = {
    "compute": "computing",
    "config": "PRESETS RunConfig make_config",
    "errors": "ComusError",
    "export.bundle": "bundle",
    "export.bundle_opening": "open_bundle",
    "export.export_run": "ExportResult export_run",
    "export.import_annotations": "import_annotations",
    "export.package": "package",
    "export.paper_figures": "paper_figure",
    "export.report": "report",
    "maintenance.clean": "clean",
    "maintenance.delete": "delete",
    "maintenance.disk_use": "disk_use",
    "maintenance.verify": "verify",
    "pipelines.ablate": "ablate",
    "pipelines.ablation_rows": "AblationSettings",
    "pipelines.add_images": "add_images",
    "pipelines.agreement": "agreement",
    "pipelines.cluster_names": "export_names import_names",
    "pipelines.compare": "compare",
    "pipelines.compare_encoders": "compare_encoders",
    "pipelines.compare_saliency": "compare_saliency",
    "pipelines.dataset_settings": "DatasetCheckSettings DatasetDownloadSettings DatasetListSettings",
    "pipelines.discover": "discover",
    "pipelines.edit_clusters": (
        "accept_proposals erase_proposals merge_clusters move_proposals redo_decision reject_clusters "
        "rename_cluster reset_cluster_name restore_clusters set_filter split_cluster undo_decision "
    ),
    "pipelines.edit_objects": "draw_object separate_objects",
    "pipelines.edit_selection": "create_category exclude_images include_images put_back_proposals redraw_mask",
    "pipelines.edit_settings": (
        "AcceptSettings CreateSettings DrawSettings EraseSettings ExcludeSettings ExportNamesSettings "
        "FilterSettings ImportNamesSettings IncludeSettings MergeSettings MoveSettings PutBackSettings "
        "RedoSettings RedrawSettings RejectSettings RenameSettings ResetNameSettings RestoreSettings "
        "SeparateSettings SplitSettings UndoSettings "
    ),
    "pipelines.encoder_settings": "EncoderCompareSettings",
    "pipelines.evaluate": "evaluate",
    "pipelines.exclusion": "exclude_from_dataset",
    "pipelines.export_settings": "ExportSettings ObjectsSettings",
    "pipelines.how_many": "how_many",
    "pipelines.image_health": "check_health",
    "pipelines.objects": "Objects objects",
    "pipelines.paper_tables.figure_settings": "FigureSettings",
    "pipelines.paper_tables.paper_table": "paper_table",
    "pipelines.paper_tables.table_settings": "TableSettings",
    "pipelines.predict": "predict",
    "pipelines.predict_saliency": "predict_saliency",
    "pipelines.published_datasets": "check_dataset download_dataset list_datasets",
    "pipelines.relink": "relink",
    "pipelines.repeat_seeds": "repeat_seeds",
    "pipelines.saliency_settings": "SaliencyCompareSettings SaliencyPredictSettings SaliencyTrainSettings",
    "pipelines.similar": "similar",
    "pipelines.train": "train",
    "pipelines.train_saliency": "train_saliency",
    "pipelines.verb_settings": (
        "AddSettings AgreementSettings BundleSettings CleanSettings CompareSettings DatasetExclusionSettings "
        "DeleteSettings DiscoverSettings DiskSettings EvaluateSettings HealthSettings HowManySettings "
        "ImportSettings OpenBundleSettings PackageSettings PredictSettings RelinkSettings ReportSettings "
        "SeedsSettings SimilarSettings VerifySettings "
    ),
    "runs.run_round": "RunRound find_round",
    "runs.run_view": "open_run_view",
    "scoring.round_scores": "score_round",
    "training.presets": "make_training",
    "training.settings": "TrainSettings TrainingSettings",
    "workspace": "Run Workspace open_workspace",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

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

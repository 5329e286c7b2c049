"""COMUS Explorer: discover the object categories in a pile of photographs, without a single label.

    from comus_core import discover, make_config, open_workspace

    run = discover(make_config(dataset="photos"), open_workspace())
    print(run.result["evaluation"])

Every verb is called as `verb(subject, workspace, settings, *, device, on_progress)`; `comus_core.verbs` lists them.
Names load on first use, so that the interface side never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from comus_core.files.user_folders import provide_caches

provide_caches()

if TYPE_CHECKING:
    from comus_core.config import PRESETS, RunConfig, make_config
    from comus_core.errors import ComusError
    from comus_core.export.bundle import bundle
    from comus_core.export.bundle_opening import open_bundle
    from comus_core.maintenance.clean import clean
    from comus_core.maintenance.delete import delete
    from comus_core.maintenance.disk_use import disk_use
    from comus_core.maintenance.verify import verify
    from comus_core.pipelines.ablate import ablate
    from comus_core.pipelines.ablation_rows import AblationSettings
    from comus_core.pipelines.add_images import add_images
    from comus_core.pipelines.agreement import agreement
    from comus_core.pipelines.compare import compare
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
    from comus_core.pipelines.edit_settings import (
        AcceptSettings,
        EraseSettings,
        FilterSettings,
        MergeSettings,
        MoveSettings,
        RedoSettings,
        RejectSettings,
        RenameSettings,
        ResetNameSettings,
        RestoreSettings,
        SplitSettings,
        UndoSettings,
    )
    from comus_core.pipelines.evaluate import evaluate
    from comus_core.pipelines.how_many import how_many
    from comus_core.pipelines.image_health import check_health
    from comus_core.pipelines.predict import predict
    from comus_core.pipelines.relink import relink
    from comus_core.pipelines.similar import similar
    from comus_core.pipelines.train import train
    from comus_core.pipelines.verb_settings import (
        AddSettings,
        AgreementSettings,
        BundleSettings,
        CleanSettings,
        CompareSettings,
        DeleteSettings,
        DiscoverSettings,
        DiskSettings,
        EvaluateSettings,
        HealthSettings,
        HowManySettings,
        OpenBundleSettings,
        PredictSettings,
        RelinkSettings,
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
    "DeleteSettings": "pipelines.verb_settings",
    "DiscoverSettings": "pipelines.verb_settings",
    "DiskSettings": "pipelines.verb_settings",
    "EraseSettings": "pipelines.edit_settings",
    "EvaluateSettings": "pipelines.verb_settings",
    "FilterSettings": "pipelines.edit_settings",
    "HealthSettings": "pipelines.verb_settings",
    "HowManySettings": "pipelines.verb_settings",
    "MergeSettings": "pipelines.edit_settings",
    "MoveSettings": "pipelines.edit_settings",
    "OpenBundleSettings": "pipelines.verb_settings",
    "PRESETS": "config",
    "PredictSettings": "pipelines.verb_settings",
    "RedoSettings": "pipelines.edit_settings",
    "RejectSettings": "pipelines.edit_settings",
    "RelinkSettings": "pipelines.verb_settings",
    "RenameSettings": "pipelines.edit_settings",
    "ResetNameSettings": "pipelines.edit_settings",
    "RestoreSettings": "pipelines.edit_settings",
    "Run": "workspace",
    "RunConfig": "config",
    "RunRound": "runs.run_round",
    "SimilarSettings": "pipelines.verb_settings",
    "SplitSettings": "pipelines.edit_settings",
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
    "check_health": "pipelines.image_health",
    "clean": "maintenance.clean",
    "compare": "pipelines.compare",
    "delete": "maintenance.delete",
    "discover": "pipelines.discover",
    "disk_use": "maintenance.disk_use",
    "erase_proposals": "pipelines.edit_clusters",
    "evaluate": "pipelines.evaluate",
    "find_round": "runs.run_round",
    "how_many": "pipelines.how_many",
    "make_config": "config",
    "make_training": "training.presets",
    "merge_clusters": "pipelines.edit_clusters",
    "move_proposals": "pipelines.edit_clusters",
    "open_bundle": "export.bundle_opening",
    "open_run_view": "runs.run_view",
    "open_workspace": "workspace",
    "predict": "pipelines.predict",
    "redo_decision": "pipelines.edit_clusters",
    "reject_clusters": "pipelines.edit_clusters",
    "relink": "pipelines.relink",
    "rename_cluster": "pipelines.edit_clusters",
    "reset_cluster_name": "pipelines.edit_clusters",
    "restore_clusters": "pipelines.edit_clusters",
    "score_round": "scoring.round_scores",
    "set_filter": "pipelines.edit_clusters",
    "similar": "pipelines.similar",
    "split_cluster": "pipelines.edit_clusters",
    "train": "pipelines.train",
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
    "DeleteSettings",
    "DiscoverSettings",
    "DiskSettings",
    "EraseSettings",
    "EvaluateSettings",
    "FilterSettings",
    "HealthSettings",
    "HowManySettings",
    "MergeSettings",
    "MoveSettings",
    "OpenBundleSettings",
    "PredictSettings",
    "RedoSettings",
    "RejectSettings",
    "RelinkSettings",
    "RenameSettings",
    "ResetNameSettings",
    "RestoreSettings",
    "Run",
    "RunConfig",
    "RunRound",
    "SimilarSettings",
    "SplitSettings",
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
    "check_health",
    "clean",
    "compare",
    "delete",
    "discover",
    "disk_use",
    "erase_proposals",
    "evaluate",
    "find_round",
    "how_many",
    "make_config",
    "make_training",
    "merge_clusters",
    "move_proposals",
    "open_bundle",
    "open_run_view",
    "open_workspace",
    "predict",
    "redo_decision",
    "reject_clusters",
    "relink",
    "rename_cluster",
    "reset_cluster_name",
    "restore_clusters",
    "score_round",
    "set_filter",
    "similar",
    "split_cluster",
    "train",
    "undo_decision",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

"""COMUS Explorer: discover the object categories in a pile of photographs, without a single label.

    from comus_core import discover, make_config, open_workspace

    run = discover(make_config(dataset="photos"), open_workspace())
    print(run.result["evaluation"])

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
    from comus_core.maintenance.delete import delete_run
    from comus_core.maintenance.disk_use import disk_use
    from comus_core.maintenance.verify import verify
    from comus_core.pipelines.ablate import ablate
    from comus_core.pipelines.ablation_rows import AblationSettings
    from comus_core.pipelines.add_images import add_images
    from comus_core.pipelines.agreement import agreement
    from comus_core.pipelines.compare import compare
    from comus_core.pipelines.discover import discover
    from comus_core.pipelines.evaluate import evaluate
    from comus_core.pipelines.how_many import how_many_of
    from comus_core.pipelines.image_health import check_health
    from comus_core.pipelines.predict import predict
    from comus_core.pipelines.relink import relink_run
    from comus_core.pipelines.similar import find_similar_to
    from comus_core.pipelines.train import train
    from comus_core.runs.run_round import find_round
    from comus_core.runs.run_view import open_run_view
    from comus_core.scoring.round_scores import score_round
    from comus_core.training.presets import make_training
    from comus_core.training.settings import TrainingSettings, TrainSettings
    from comus_core.workspace import Run, Workspace, open_workspace

__version__ = "0.1.0"

_HOME = {
    "AblationSettings": "pipelines.ablation_rows",
    "PRESETS": "config",
    "ComusError": "errors",
    "Run": "workspace",
    "RunConfig": "config",
    "TrainSettings": "training.settings",
    "TrainingSettings": "training.settings",
    "Workspace": "workspace",
    "ablate": "pipelines.ablate",
    "add_images": "pipelines.add_images",
    "agreement": "pipelines.agreement",
    "bundle": "export.bundle",
    "check_health": "pipelines.image_health",
    "clean": "maintenance.clean",
    "compare": "pipelines.compare",
    "delete_run": "maintenance.delete",
    "discover": "pipelines.discover",
    "disk_use": "maintenance.disk_use",
    "evaluate": "pipelines.evaluate",
    "find_round": "runs.run_round",
    "find_similar_to": "pipelines.similar",
    "how_many_of": "pipelines.how_many",
    "make_config": "config",
    "make_training": "training.presets",
    "open_bundle": "export.bundle_opening",
    "open_run_view": "runs.run_view",
    "open_workspace": "workspace",
    "predict": "pipelines.predict",
    "relink_run": "pipelines.relink",
    "score_round": "scoring.round_scores",
    "train": "pipelines.train",
    "verify": "maintenance.verify",
}

__all__ = [
    "PRESETS",
    "AblationSettings",
    "ComusError",
    "Run",
    "RunConfig",
    "TrainSettings",
    "TrainingSettings",
    "Workspace",
    "ablate",
    "add_images",
    "agreement",
    "bundle",
    "check_health",
    "clean",
    "compare",
    "delete_run",
    "discover",
    "disk_use",
    "evaluate",
    "find_round",
    "find_similar_to",
    "how_many_of",
    "make_config",
    "make_training",
    "open_bundle",
    "open_run_view",
    "open_workspace",
    "predict",
    "relink_run",
    "score_round",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

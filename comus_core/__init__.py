"""COMUS Explorer: discover the object categories in a pile of photographs, without a single label.

    from comus_core import discover, make_config, open_workspace

    run = discover(make_config(dataset="photos"), open_workspace())
    print(run.result["evaluation"])

Names load on first use, so that the interface side never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from comus_core.files.user_folders import provide_caches

provide_caches()

_HOME = {
    "ComusError": "errors",
    "PRESETS": "config",
    "RunConfig": "config",
    "Run": "workspace",
    "Workspace": "workspace",
    "check_health": "pipelines.image_health",
    "discover": "pipelines.discover",
    "evaluate_on": "pipelines.evaluate_dataset",
    "find_similar_to": "pipelines.similar",
    "how_many_of": "pipelines.how_many",
    "make_config": "config",
    "open_workspace": "workspace",
    "predict_photographs": "pipelines.predict",
    "relink_run": "pipelines.relink",
    "score_run": "scoring.run_scores",
    "verify": "maintenance.verify",
}

__all__ = [
    "PRESETS",
    "ComusError",
    "Run",
    "RunConfig",
    "Workspace",
    "check_health",
    "discover",
    "evaluate_on",
    "find_similar_to",
    "how_many_of",
    "make_config",
    "open_workspace",
    "predict_photographs",
    "relink_run",
    "score_run",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

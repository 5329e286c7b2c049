"""Presets of self-training: the paper's two, and ours for machines without a GPU."""

from __future__ import annotations

from typing import Any

from comus_core.settings import from_dict, merge, nested, require
from comus_core.training.settings import TrainingSettings

_PAPER: dict[str, Any] = {
    "network": {"backbone": "dino-resnet50", "output_stride": 8, "head_channels": 256},
    "optimisation": {
        "flip": True,
        "jitter": 0.0,
        "mix": 0.0,
        "batch": 56,  # 7 on each of 8 GPUs, with batch norm over all of them
        "replicas": 8,
        "optimiser": "adam",
        "learning_rate": 6e-5,
        "weight_decay": 0.0,
        "schedule": "constant",
        "ema": 0.0,
    },
    "prediction": {
        "resize": "squash",
        "flip": False,
        "scales": False,
        "object_share": 0.0,
        "saliency": 0.0,
        "classifier_share": 0.0,
        "refine": "none",
    },
    "labels": {
        "regroup": False,
        "surroundings": 0.0,
        "saliency": 0.0,
        "confidence": 0.0,
        "balance": 0.0,
        "soft": False,
    },
    "preview_every": 0,
}

# The paper's epochs are one more than its settings say: the reference counts to them inclusively (method 1.6).
_VOC: dict[str, Any] = {
    "optimisation": {"crop": 512, "area_least": 0.5, "area_most": 2.0},
    "prediction": {"size": 512},
    "rounds": 2,
    "epochs": 10,
    "later_epochs": 5,
}
_COCO: dict[str, Any] = {
    "optimisation": {"crop": 256, "area_least": 0.2, "area_most": 1.0},
    "prediction": {"size": 256},
    "rounds": 1,
    "epochs": 1,
    "later_epochs": 1,
}
TRAINING_PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper-voc": merge(_PAPER, _VOC),
    "paper-coco": merge(_PAPER, _COCO),
}


def make_training(preset: str = "cpu", **changes: Any) -> TrainingSettings:
    """The settings of a preset with single changes.

    Args:
        preset: a key of `TRAINING_PRESETS`.
        changes: fields of `TrainingSettings`, nested as in `{"network": {"backbone": …}}` or under dotted names as
            `network.backbone`; None means not given.

    Raises:
        SettingsError: an unknown preset or setting, a value out of range.
    """
    require(preset in TRAINING_PRESETS, f"preset '{preset}': choose one of {', '.join(TRAINING_PRESETS)}")
    return from_dict(TrainingSettings, merge(TRAINING_PRESETS[preset], nested(changes)))

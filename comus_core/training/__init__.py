"""Self-training: pseudo-masks in, a segmenter out, round by round (paper Algorithm 2; method 1.6). No torch yet."""

from __future__ import annotations

from comus_core.training.presets import TRAINING_PRESETS, make_training
from comus_core.training.settings import TrainingSettings, TrainSettings

__all__ = ["TRAINING_PRESETS", "TrainSettings", "TrainingSettings", "make_training"]

"""Self-training: pseudo-masks in, a segmenter out, round by round (paper Algorithm 2; method 1.6). No torch yet."""

from __future__ import annotations

from comus_core.training.settings import (
    TRAINING_PRESETS,
    TrainingRequest,
    TrainingSettings,
    asked,
    make_training,
    what_was_asked,
)

__all__ = ["TRAINING_PRESETS", "TrainingRequest", "TrainingSettings", "asked", "make_training", "what_was_asked"]

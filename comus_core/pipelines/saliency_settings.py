"""What the verbs on saliency alone can be asked for. Imports no torch."""

from __future__ import annotations

from dataclasses import field

from comus_core.config import SaliencySettings
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import require, settings


@settings
class SaliencyTrainSettings:
    """Train a detector on images alone: no label, no mask, and no network that had one."""

    out: str
    """The file of the detector to write; `comus run DATASET --saliency trained:FILE` uses it."""
    recipe: SaliencyRecipe = field(default_factory=SaliencyRecipe)
    """How it is trained."""
    force: bool = False
    """Replace a file that this program did not write."""

    def __post_init__(self) -> None:
        require(bool(self.out), "out: give a file for the detector")


@settings
class SaliencyPredictSettings:
    """Write a detector's soft map of every image as a grey 8-bit PNG of the image's size."""

    out: str
    """The folder for the maps: each has the name of its image."""
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    """The detector, and its settings."""
    force: bool = False
    """Also write into a folder that holds other files: those named like a result are replaced."""

    def __post_init__(self) -> None:
        require(bool(self.out), "out: give a folder for the maps")

"""What the verbs on saliency alone can be asked for. Imports no torch."""

from __future__ import annotations

from dataclasses import field

from comus_core.config import SaliencySettings, TruthSettings
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import Positive, Seed, require, settings


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


@settings
class SaliencyCompareSettings:
    """Compare detectors on some of your own images: agreement, empty maps, speed; with ground truth, scores."""

    detectors: tuple[str, ...]
    """The detectors, with commas between them; a name with a path comes last, or in another option."""
    images: Positive = 100
    """Images to compare them on, at most; of more, so many are drawn at random."""
    seed: Seed = 0
    """Of the images that are drawn."""
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    """Their settings: threshold, smallest area and all others; `detector` stays at `auto`."""
    truth: TruthSettings = field(default_factory=TruthSettings)
    """How ground truth is read."""

    def __post_init__(self) -> None:
        names = tuple(name for text in self.detectors for name in names_in(text))
        require(bool(names), "detectors: name at least one; `comus parts` lists them")
        own = self.saliency.detector
        require(own == "auto", f"saliency.detector {own}: name the detectors to compare in `detectors`")
        object.__setattr__(self, "detectors", names)


def names_in(text: str) -> list[str]:
    """Detectors in a text such as `u2netp,mbd,trained:FILE`: behind the first colon, a comma belongs to the path."""
    listed, colon, path = text.partition(":")
    names = [name.strip() for name in listed.split(",")]
    names[-1] += colon + path
    return [name for name in names if name]

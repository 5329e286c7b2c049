"""How our own detector is trained: from classical priors to a network, and from its outputs to the next. No torch."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from comus_core.config.formulas import PriorSettings
from comus_core.settings import Positive, Seed, Share, require, settings

PriorName = Literal["rbd", "mbd", "dsr", "mc"]
Side = Annotated[int, Field(ge=32, multiple_of=32)]


@settings
class GenerationSettings:
    """How one network is trained."""

    side: Side = 160
    """Pixels of the side of a training crop, a square; an image is squashed to it."""
    epochs: Positive = 8
    """Times that every image is seen."""
    batch: Annotated[int, Field(ge=2)] = 16
    """Images in a batch; batch norm needs at least two."""
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    """The highest learning rate; it rises over the first twentieth of the steps, then falls along a cosine to 0."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay of AdamW."""
    beta2: Annotated[float, Field(gt=0)] = 1.0
    """β² of the F-measure that the loss is 1 minus of (DeepUSPS; above 1 recall counts more)."""
    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Change brightness, contrast and saturation of an image by up to this share."""


@settings
class SaliencyRecipe:
    """Priors, refined by moving averages of a network's predictions, then a network that learns from what they became.

    The first network has a head for each prior. Each epoch's predictions of every head are averaged into its maps
    (DeepUSPS, section 3.2); from epoch `warm` on, these averages are what is learned. The second network has one head,
    and learns the mean of the averages, its edges moved to the images'.
    """

    priors: tuple[PriorName, ...] = ("rbd", "mbd", "dsr", "mc")
    """The priors to start from."""
    prior: PriorSettings = field(default_factory=PriorSettings)
    """Their constants."""
    images: Annotated[int, Field(ge=16)] = 8_000
    """Images that are learned from, at most; more are drawn from at random."""
    side: Side = 160
    """Pixels of the side of the squares that images are kept as; a map is kept at half of it."""
    first: GenerationSettings = field(default_factory=GenerationSettings)
    """Of the network that learns from the priors."""
    second: GenerationSettings = field(default_factory=GenerationSettings)
    """Of the network that learns from the first one's maps."""
    crop: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Smallest area of the second network's random crops, as a share of the image's; the first sees whole images."""
    warm: Positive = 3
    """Epochs of the first network that learn from the priors themselves."""
    keep: Share = 0.7
    """Share of the moving average that an epoch keeps (DeepUSPS: 0.7)."""
    refine: Literal["none", "guided"] = "guided"
    """What is done to the first network's mean maps: the guided filter moves their edges to the images'."""
    seed: Seed = 0
    """Of the images that are drawn, the first weights and the order."""

    def __post_init__(self) -> None:
        require(bool(self.priors), "priors: name at least one")
        require(len(set(self.priors)) == len(self.priors), "priors: each counts once")
        for name, side in (("first.side", self.first.side), ("second.side", self.second.side)):
            require(side <= self.side, f"{name} {side}: must be at most side, {self.side}, at which images are kept")
        require(self.warm < self.first.epochs, f"warm {self.warm}: must be less than the epochs of the first network")

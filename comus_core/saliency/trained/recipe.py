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
    """Priors, refined by moving averages of a network's predictions, then networks that learn from what they became.

    The first network has a head for each prior. Each epoch's predictions of every head are averaged into its maps
    (DeepUSPS, section 3.2); from epoch `warm` on, these averages are what is learned. Each later network has one head:
    the second learns the mean of the averages, the third what the second predicts, and so on, all of it refined.
    """

    priors: tuple[PriorName, ...] = ("rbd", "mbd", "dsr", "mc")
    """The priors to start from."""
    prior: PriorSettings = field(default_factory=PriorSettings)
    """Their constants."""
    images: Annotated[int, Field(ge=16)] = 8_000
    """Images that are learned from, at most; more are drawn from at random."""
    side: Side = 160
    """Pixels of the side of the squares that images are kept as; a map is kept at half of it."""
    above: Annotated[float, Field(gt=0)] = 1.5
    """What exceeds this many times the mean of a prior's map is salient; Achanta et al. take 2, which finds less."""
    first: GenerationSettings = field(default_factory=GenerationSettings)
    """Of the network that learns from the priors; it sees whole images."""
    later: GenerationSettings = field(default_factory=GenerationSettings)
    """Of each network that learns from the one before it."""
    crop: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Smallest area of a later network's random crops, as a share of the image's."""
    networks: Annotated[int, Field(ge=2)] = 3
    """Networks in all, the first included."""
    warm: Positive = 3
    """Epochs of the first network that learn from the priors themselves."""
    keep: Share = 0.7
    """Share of the moving average that an epoch keeps (DeepUSPS: 0.7)."""
    refine: Literal["none", "guided"] = "guided"
    """guided: before the next network learns a network's maps, their edges are moved to the images' (guided filter)."""
    colours: Annotated[float, Field(ge=0)] = 0.6
    """Before that: the weight of each image's own colours of object and background; 0: they are not looked at."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: twice as fast where the processor has instructions for it, slower where it has none."""
    seed: Seed = 0
    """Of the images that are drawn, the first weights and the order."""

    def __post_init__(self) -> None:
        require(bool(self.priors), "priors: name at least one")
        require(len(set(self.priors)) == len(self.priors), "priors: each counts once")
        for name, side in (("first.side", self.first.side), ("later.side", self.later.side)):
            require(side <= self.side, f"{name} {side}: must be at most side, {self.side}, at which images are kept")
        require(self.warm < self.first.epochs, f"warm {self.warm}: must be less than the epochs of the first network")

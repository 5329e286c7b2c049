"""How our own detector is trained: from classical priors to a network, and from its outputs to the next. No torch."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from comus_core.config.formulas import PriorSettings, ShareAbove0
from comus_core.settings import Positive, Seed, Share, require, settings

PriorName = Literal["rbd", "mbd", "dsr", "mc"]
Side = Annotated[int, Field(ge=32, multiple_of=32)]


@settings
class NetworkSettings:
    """How one network is trained."""

    side: Side = 96
    """Pixels of the side of a training crop, a square; an image is squashed to it."""
    epochs: Positive = 18
    """Times that every image it learns from is seen."""
    share: ShareAbove0 = 0.6
    """Share of the images that it learns from: those whose maps are the surest."""


@settings
class OptimiserSettings:
    """What the training of all networks has in common."""

    batch: Annotated[int, Field(ge=2)] = 32
    """Images in a batch; batch norm needs at least two."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    """The highest learning rate; it rises over the first twentieth of the steps, then falls along a cosine to 0."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay of AdamW."""
    beta2: Annotated[float, Field(gt=0)] = 1.0
    """β² of the F-measure that the loss is 1 minus of (DeepUSPS; above 1 recall counts more)."""
    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Change brightness, contrast and saturation of an image by up to this share."""
    crop: ShareAbove0 = 0.6
    """Smallest area of a random crop, as a share of the image's; 1 takes whole images."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16: twice as fast where the processor has instructions for it, slower where it has none."""


@settings
class SaliencyRecipe:
    """Priors, then networks each of which learns from what became of the maps before it.

    Maps are refined on their own image, and a network learns from the surest, whose sources agree. What it predicts is
    averaged with what it learned (a moving average, as DeepUSPS has over epochs) and refined for the next. The last
    network is the detector.
    """

    priors: tuple[PriorName, ...] = ("rbd", "mbd", "dsr", "mc")
    """The priors to start from."""
    prior: PriorSettings = field(default_factory=PriorSettings)
    """Their constants."""
    images: Annotated[int, Field(ge=16)] = 8_000
    """Images that are learned from, at most; more are drawn from at random."""
    side: Side = 192
    """Pixels of the side of the squares that images are kept as; a map is kept at half of it."""
    above: Annotated[float, Field(gt=0)] = 1.5
    """What exceeds this many times the mean of a prior's map is salient; Achanta et al. take 2, which finds less."""
    colours: Annotated[float, Field(ge=0)] = 0.6
    """Weight of each image's own colours of object and background in its map; 0: they are not looked at."""
    refine: Literal["none", "guided"] = "guided"
    """guided: then the guided filter moves the edges of a map to those of its image."""
    keep: Share = 0.7
    """Share of the map that a network learned in the one that the next network learns."""
    networks: tuple[NetworkSettings, ...] = (NetworkSettings(),)
    """The networks, the first from the priors, each other one from that before it."""
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)
    """Of the training of each network."""
    seed: Seed = 0
    """Of the images that are drawn, the first weights and the order."""

    def __post_init__(self) -> None:
        require(len(self.priors) > 1, "priors: name at least two, whose agreement says where they are right")
        require(len(set(self.priors)) == len(self.priors), "priors: each counts once")
        require(bool(self.networks), "networks: name at least one")
        for number, network in enumerate(self.networks, 1):
            message = f"networks {number}: side {network.side} must be at most {self.side}, at which images are kept"
            require(network.side <= self.side, message)

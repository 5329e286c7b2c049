"""What the comparison of encoders can be asked for. Imports no torch."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import Field

from comus_core.config import SaliencySettings, TruthSettings
from comus_core.pipelines.saliency_settings import names_in
from comus_core.settings import Positive, Seed, require, settings


@settings
class EncoderCompareSettings:
    """Compare encoders without labels, by the silhouette after UMAP; with ground truth, also by scores."""

    encoders: tuple[str, ...]
    """The encoders, with commas between them; a name with a path or a model comes last, or in another option."""
    most: Annotated[int, Field(ge=2)] | None = None
    """The largest number of clusters to try; default: 100, or as many as leave 5 proposals to each."""
    clusters: Positive | None = None
    """The number of clusters that is scored; default: the run's, or that of the ground-truth classes."""
    images: Positive = 200
    """Of a data set, images to compare them on, at most; of more, so many are drawn at random. A run's are all used."""
    seed: Seed = 0
    """Of a data set, the seed of the images that are drawn and of the clusters; a run has its own."""
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    """Of a data set, how its proposals are found; a run has some."""
    truth: TruthSettings = field(default_factory=TruthSettings)
    """Of a data set, how ground truth is read."""

    def __post_init__(self) -> None:
        names = tuple(dict.fromkeys(name for text in self.encoders for name in names_in(text)))
        require(bool(names), "encoders: name at least one; `comus parts` lists them")
        object.__setattr__(self, "encoders", names)

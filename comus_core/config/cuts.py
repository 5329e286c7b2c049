"""Settings of the detectors over an encoder's dense features, a group each and one for all; of divided soft maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from comus_core.settings import Positive, Share, settings

Cosine = Annotated[float, Field(gt=-1, lt=1)]
DenseKind = Literal["auto", "keys", "tokens"]


@settings
class DenseSettings:
    """Settings of every detector over dense features."""

    features: DenseKind = "auto"
    """keys: of the last attention; tokens: after the last norm; auto: what suits the encoder (keys of DINO)."""
    longer_side: Annotated[int, Field(ge=32, le=4096)] = 480
    """Pixels of the image's longer side as the encoder sees it (MaskCut: 480)."""
    mean_rounds: Annotated[int, Field(ge=0, le=20)] = 0
    """Rounds in which cells go to the more similar mean, of object or background (Selfment: 2 or 3); 0: none."""


@settings
class DinosegSettings:
    """`dinoseg`, the attention of DINO (Caron et al., ICCV 2021; method 2.2)."""

    head: Annotated[int, Field(ge=0)] | Literal["mean", "max-area"] = "mean"
    """The number of a head, their mean, or the head with the largest region (LOST's comparison: 4)."""
    mass: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """Share of the attention that the object holds (DINO: 0.6)."""


@settings
class LostSettings:
    """`lost`, seed expansion (Siméoni et al., BMVC 2021; method 2.1)."""

    k: Positive = 100
    """Patches of low degree that may join the seed (LOST: 100)."""
    scaled: bool = True
    """Scale `k` with the number of patches, from the 744 that a VOC image has at LOST's stride of 16."""
    centred: bool | None = None
    """Subtract the image's mean feature first. Default: not of transformers (LOST), but of convolutional networks."""


@settings
class TokencutSettings:
    """`tokencut`, one normalised cut (Wang et al., CVPR 2022; method 2.3)."""

    tau: Cosine | None = None
    """Patches above this cosine are joined. Default: 0.2 (TokenCut), for EfficientNet-Lite0 the measured 0.3."""
    corners: bool = False
    """A side with three corners of the image is background, as in MaskCut; else the seed alone decides."""
    region: bool = True
    """Keep the connected region that holds the seed (TokenCut); else the whole side of the cut."""


@settings
class MaskcutSettings:
    """`maskcut`, several objects by repeated cuts (Wang et al., CVPR 2023; method 2.3)."""

    tau: Cosine | None = None
    """Patches above this cosine are joined. Default: 0.15 (MaskCut), for EfficientNet-Lite0 the measured 0.3."""
    rounds: Annotated[int, Field(ge=1, le=100)] = 3
    """The most objects in an image (MaskCut: 3)."""
    overlap: Share = 0.5
    """A further object is dropped if its IoU with the one before is above this (MaskCut: 0.5)."""
    least: Share = 0.01
    """A further object is dropped if it has at most this share of the patches (MaskCut: 0.01)."""


@settings
class RecursivecutSettings:
    """`recursivecut`, recursive two-way cuts (Shi and Malik, PAMI 2000; method 2.3)."""

    tau: Cosine | None = None
    """Patches above this cosine are joined. Default: 0.2 (TokenCut), for EfficientNet-Lite0 the measured 0.3."""
    ncut: Annotated[float, Field(gt=0, le=2)] = 0.4
    """Parts are divided as long as the value of the normalised cut is at most this."""
    most: Annotated[int, Field(ge=2, le=100)] = 4
    """The most parts of an image, the background included."""
    least: Share = 0.02
    """Share of the patches that each side of a cut, and each object, has at least."""
    ground_corners: Annotated[int, Field(ge=1, le=5)] = 2
    """A part with this many corners of the image is background (MaskCut: 3), as is the one with the most border."""


@settings
class DsmSettings:
    """`dsm`, Deep Spectral Methods (Melas-Kyriazi et al., CVPR 2022; method 2.4)."""

    floor: Cosine = 0.0
    """Cosines up to this count as zero (DSM: 0)."""


@settings
class FoundSettings:
    """`found` and `found-head` (Siméoni et al., CVPR 2023; method 2.5)."""

    tau: Cosine | None = None
    """Patches above this cosine with the background's seed are background. Default: 0.3 (FOUND), 0.2 for a CNN."""


@settings
class FoundHeadSettings:
    """The training of `found-head`, a 1 × 1 convolution on the images of the run (FOUND; method 2.5)."""

    images: Positive = 100
    """Images that it learns from, drawn with the run's seed; all if there are fewer."""
    steps: Positive = 500
    """Steps of AdamW (FOUND: 500)."""
    batch: Positive = 50
    """Images in a step (FOUND: 50)."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.05
    """At the start; times 0.95 every 50 steps (FOUND: 0.05)."""
    first_steps: Annotated[int, Field(ge=0)] = 100
    """Steps that learn from FOUND's rule; later ones from the head's own masks (FOUND: 100)."""
    filtered_weight: Annotated[float, Field(ge=0)] = 1.5
    """Weight of the head's own filtered masks as targets (FOUND: 1.5)."""
    own_weight: Annotated[float, Field(ge=0)] = 4.0
    """Weight of the head's own unfiltered masks, after `first_steps` (FOUND: 4)."""


@settings
class PeaksSettings:
    """`saliency.split` peaks: extended maxima and watershed (Soille 2003, Meyer 1994; method 2.8)."""

    depth: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Peaks are parted where saliency between them falls by more than this below the lower one."""

"""Constants of the detectors that are formulas, and of the refinement of soft maps, each with its source."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field

from comus_core.settings import Positive, Share, require, settings

Refine = Literal["none", "guided", "bilateral", "crf"]

Above0 = Annotated[float, Field(gt=0)]
ShareAbove0 = Annotated[float, Field(gt=0, le=1)]


@settings
class RbdSettings:
    """Constants of the detector `rbd` (Zhu et al. 2014, with the background's weight of the published code)."""

    colour: Above0 = 10.0
    """Deviation of distances of colours in CIE Lab that count as alike, in areas and in neighbours."""
    connectivity: Above0 = 1.0
    """Deviation of the boundary connectivity that counts as object."""
    space: Above0 = 0.25
    """Deviation of the distance, in shares of the image's sides, over which colours are contrasted."""
    smoothness: Share = 0.1
    """Least weight between neighbours, whatever their colours."""
    background: Above0 = 5.0
    """Weight of what looks like background against what looks like an object."""


@settings
class MbdSettings:
    """Constants of the detector `mbd` (MB+ of Zhang et al. 2015, with those of its published code)."""

    passes: Positive = 3
    """Scans over the image, forth and back in turn."""
    margin: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    """Share of the image's side that is taken for background at each border."""
    regularisation: Above0 = 50.0
    """Added to the variances of the colours of a border, which are in 0…255."""
    smoothing: Annotated[float, Field(ge=0)] = 50.0
    """Width of the smoothing in pixels, of an image of 300, where everything is salient; 0: none."""
    contrast: Above0 = 10.0
    """Steepness of the sigmoid that ends it."""


@settings
class DsrSettings:
    """Constants of the detector `dsr` (Li et al. 2013); the superpixels and their compactness are by scale."""

    superpixels: tuple[Positive, ...] = (50, 100, 150, 200, 250, 300, 350, 400)
    """Superpixels of each scale."""
    compactness: tuple[Above0, ...] = (10.0, 10.0, 20.0, 20.0, 25.0, 25.0, 30.0, 30.0)
    """How much the place counts against the colour in superpixels of each scale."""
    energy: ShareAbove0 = 0.95
    """Share of the variance of the border that the principal components keep."""
    sparsity: Above0 = 0.01
    """Weight of the L1 norm in the sparse reconstruction, beside half the squared error."""
    clusters: Positive = 8
    """Clusters of superpixels within which errors spread."""
    spread: Share = 0.5
    """Weight of the errors of others in the cluster."""
    centre: Above0 = 0.25
    """Deviation of the weight around the object's centre, in shares of the image's sides."""

    def __post_init__(self) -> None:
        same = len(self.superpixels) == len(self.compactness) > 0
        require(same, "superpixels and compactness: give as many of the one as of the other, at least one")


@settings
class McSettings:
    """Constants of the detector `mc` (Jiang et al. 2013)."""

    colour: Above0 = 0.1
    """Distance of colours at which the weight of an edge falls to 1/e; 1 is the largest in the image."""
    mixed: Above0 = 2.0
    """Mean distance of the map from black and white, in tenths, above which times are weighted by the equilibrium."""


@settings
class PriorSettings:
    """How the detectors `rbd`, `mbd`, `dsr` and `mc` look at an image: they learn nothing."""

    side: Annotated[int, Field(ge=16)] = 224
    """Pixels of the longer side at which an image is looked at; a smaller one is not enlarged."""
    superpixels: Positive = 250
    """Superpixels (SLIC) of `rbd` and `mc`."""
    compactness: Above0 = 10.0
    """How much the place counts against the colour in superpixels of `rbd` and `mc`."""
    iterations: Positive = 5
    """Iterations of SLIC."""
    rbd: RbdSettings = field(default_factory=RbdSettings)
    """Constants of `rbd`."""
    mbd: MbdSettings = field(default_factory=MbdSettings)
    """Constants of `mbd`."""
    dsr: DsrSettings = field(default_factory=DsrSettings)
    """Constants of `dsr`."""
    mc: McSettings = field(default_factory=McSettings)
    """Constants of `mc`."""


@settings
class GuidedSettings:
    """Constants of the guided filter (He et al. 2013, section 3)."""

    radius: Positive = 16
    """Pixels from the middle of a window to its side."""
    epsilon: Above0 = 1e-3
    """Added to the variance of colours, which are in 0…1: an edge counts where they vary by more than its root."""


@settings
class BilateralSettings:
    """Constants of the bilateral solver (Barron and Poole 2016), as in TokenCut."""

    spatial: Above0 = 16.0
    """Pixels a side of a cell of the grid."""
    luma: Above0 = 16.0
    """Levels of brightness, in 0…255, a side of a cell."""
    chroma: Above0 = 8.0
    """Levels of colour, in 0…255, a side of a cell."""
    smoothness: Above0 = 256.0
    """Weight of smoothness against the map."""
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.999
    """Weight of the map at each pixel."""
    iterations: Positive = 25
    """Of the conjugate gradients, at most."""
    tolerance: Above0 = 1e-5
    """Relative residual at which they end."""


@settings
class CrfSettings:
    """Constants of the dense CRF (Krähenbühl and Koltun 2011), as in DeepUSPS."""

    smooth_width: Above0 = 3.0
    """Deviation in pixels of the places of neighbours."""
    smooth_weight: Above0 = 3.0
    """Weight of neighbours, whatever their colour."""
    colour_width: Above0 = 80.0
    """Deviation in pixels of the places of pixels of like colour."""
    colour_range: Above0 = 13.0
    """Deviation of like colours, which are in 0…255."""
    colour_weight: Above0 = 10.0
    """Weight of pixels of like colour."""
    iterations: Positive = 5
    """Of the mean field."""


@settings
class RefinementSettings:
    """At which size soft maps are refined, and the constants of each way."""

    side: Annotated[int, Field(ge=16)] = 320
    """Pixels of the longer side of the refined map; a smaller image is not enlarged."""
    guided: GuidedSettings = field(default_factory=GuidedSettings)
    """Constants of `guided`."""
    bilateral: BilateralSettings = field(default_factory=BilateralSettings)
    """Constants of `bilateral`."""
    crf: CrfSettings = field(default_factory=CrfSettings)
    """Constants of `crf`."""

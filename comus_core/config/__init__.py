"""One frozen, validated settings object per stage, `RunConfig` over them, and the paper's presets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from comus_core.config.clustering import Assignment as Assignment
from comus_core.config.clustering import ClusteringMethod as ClusteringMethod
from comus_core.config.clustering import ClusteringSettings as ClusteringSettings
from comus_core.config.clustering import ConsensusSettings as ConsensusSettings
from comus_core.config.clustering import GraphSearch as GraphSearch
from comus_core.config.clustering import Normalisation as Normalisation
from comus_core.config.clustering import NumberBy as NumberBy
from comus_core.config.clustering import SmallComponents as SmallComponents
from comus_core.config.clustering import UmapSettings as UmapSettings
from comus_core.config.cuts import (
    DenseSettings,
    DinosegSettings,
    DsmSettings,
    FoundHeadSettings,
    FoundSettings,
    LostSettings,
    MaskcutSettings,
    PeaksSettings,
    RecursivecutSettings,
    TokencutSettings,
)
from comus_core.config.formulas import PriorSettings, Refine, RefinementSettings
from comus_core.errors import SettingsError
from comus_core.settings import Percent, Seed, from_dict, merge, require, settings

MaskResize = Literal["soft", "binary"]
Split = Literal["none", "components", "peaks"]
Pool = Literal["crop", "mask"]
Precision = Literal["float32", "bfloat16", "float32-compiled", "bfloat16-compiled", "fastest"]
Matching = Literal["auto", "hungarian", "counts", "majority"]
ProtocolName = Literal["comus", "cause", "majority"]
FilterBy = Literal["distance", "silhouette", "density", "agreement"]
Assign = Literal["nearest", "nystrom"]
TruthBoxes = Literal["auto", "ignore", "box"]
TruthOrientation = Literal["auto", "upright", "stored"]
TruthGroups = Literal["auto", "keep"]
TruthCrowds = Literal["include", "ignore"]
TruthOverlaps = Literal["first", "last"]


@settings
class SaliencySettings:
    """How a soft map is made and becomes proposals (paper section 3.1; method 1.1)."""

    detector: str = "auto"
    """A detector's name (`comus parts` lists them), `masks:DIR` for your own masks, or `auto`: the best one here."""
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Pixels above this saliency become a proposal; of the soft map itself, never min-max scaled."""
    resize: MaskResize = "soft"
    """soft: resize the map, then threshold; binary: threshold, then resize (paper)."""
    min_area: Annotated[int, Field(ge=0)] = 400
    """Pixels of the original image; a proposal must have more."""
    split: Split = "none"
    """The objects of a soft map. none: one (paper); components: each connected part; peaks: parted at dips, too."""
    peaks: PeaksSettings = field(default_factory=PeaksSettings)
    """Of `split` peaks."""
    ncut_encoder: str = "auto"
    """The encoder whose dense features the detector works on: `tokencut`, `lost` and their like."""
    dense: DenseSettings = field(default_factory=DenseSettings)
    dinoseg: DinosegSettings = field(default_factory=DinosegSettings)
    lost: LostSettings = field(default_factory=LostSettings)
    tokencut: TokencutSettings = field(default_factory=TokencutSettings)
    dsm: DsmSettings = field(default_factory=DsmSettings)
    maskcut: MaskcutSettings = field(default_factory=MaskcutSettings)
    recursivecut: RecursivecutSettings = field(default_factory=RecursivecutSettings)
    found: FoundSettings = field(default_factory=FoundSettings)
    found_head: FoundHeadSettings = field(default_factory=FoundHeadSettings)
    priors: PriorSettings = field(default_factory=PriorSettings)
    """Of the detectors `rbd`, `mbd`, `dsr` and `mc`."""
    refine: Refine = "none"
    """What moves the borders of soft maps to the edges of the image; crf needs the package pydensecrf2."""
    refinement: RefinementSettings = field(default_factory=RefinementSettings)
    """Of `refine`."""


@settings
class FeatureSettings:
    """Which encoder describes a crop (paper section 3.2; method 1.2)."""

    encoder: str = "auto"
    """An encoder's name (`comus parts` lists them), `file:PATH` for your own vectors, or `auto`: the best one here."""
    pool: Pool = "crop"
    """crop: the vector of the proposal's crop (paper); mask: the mean of the image's patch tokens under its mask."""
    longer_side: Annotated[int, Field(ge=32, le=4096)] = 480
    """Pixels of the image's longer side as the encoder sees it, where `pool` is mask."""
    precision: Precision = "float32"
    """What the encoder computes in. bfloat16: about three times as fast on processors with AMX, nearly the same;
    compiled: by torch, which takes a minute first; fastest: of all these on this machine, timed as each run begins."""


@settings
class TruthSettings:
    """How ground truth is read where its files leave that open; `auto` decides only what the files themselves show."""

    read: bool = True
    """false: ignore the ground truth, so that nothing is scored."""
    boxes: TruthBoxes = "auto"
    """COCO objects with a box but no outline; auto: ignored among outlines, refused where there are boxes alone."""
    orientation: TruthOrientation = "auto"
    """Masks of images rotated by EXIF; auto: by their size, not scored where that leaves it open."""
    groups: TruthGroups = "auto"
    """COCO supercategories without annotations; auto: they are no classes."""
    crowds: TruthCrowds = "include"
    """COCO crowds, groups drawn as one; include: objects of their class (paper); ignore: their pixels do not count."""
    overlaps: TruthOverlaps = "first"
    """Which of two overlapping COCO objects has the pixel: the first (paper) or the last in the file."""
    least_pixels: Annotated[int, Field(ge=0)] = 0
    """Leave out COCO images with fewer labelled pixels; the paper's code: 1,000. Each opening then draws all masks."""


@settings
class RunConfig:
    """Everything that decides a run's result; the same object fills the form, the job file and the report."""

    dataset: str
    """A folder of images, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo."""
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    truth: TruthSettings = field(default_factory=TruthSettings)
    filter_percent: Percent = 20.0
    """Percent of each cluster left out of training: its most uncertain proposals."""
    filter_by: FilterBy = "distance"
    """What ranks the proposals of a cluster by uncertainty."""
    matching: Matching = "auto"
    """How categories are matched to classes; auto: hungarian, or majority where there are more categories;
    counts: one to one by the most equal pixels instead of by IoU."""
    matching_from: str | None = None
    """Another run whose cluster-to-class matching is frozen and used here."""
    seed: Seed = 0
    """Of every random choice."""
    exclude: tuple[str, ...] = ()
    """Images to leave out: their ids, or their paths below the data set's folder."""
    only: tuple[str, ...] = ()
    """The images to use, named like those in `exclude`; default: all."""

    def __post_init__(self) -> None:
        require(bool(self.dataset), "no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")


PRESETS: dict[str, dict[str, Any]] = {
    "paper-voc": {
        "saliency": {"detector": "basnet", "resize": "binary", "threshold": 0.5, "min_area": 400, "split": "none"},
        "features": {"encoder": "dino-vits8", "pool": "crop"},
        "clustering": {"clusters": 20, "method": "spectral", "features": "raw", "neighbours": 30, "n_init": 10},
        "filter_percent": 20.0,
    },
    "paper-coco": {
        "saliency": {"detector": "basnet", "resize": "binary", "threshold": 0.5, "min_area": 400, "split": "none"},
        "features": {"encoder": "dino-vits8", "pool": "crop"},
        "clustering": {"clusters": 80, "method": "spectral", "features": "raw", "neighbours": 30, "n_init": 10},
        "truth": {"crowds": "include", "overlaps": "first", "least_pixels": 1000},
        "filter_percent": 20.0,
    },
}


def make_config(preset: str | None = None, file: Path | None = None, **changes: Any) -> RunConfig:
    """A run's settings from, in rising order of weight: defaults, a preset, a settings file, single changes.

    Args:
        preset: a key of `PRESETS`, or None.
        file: JSON as `comus run` prints it, or None.
        changes: fields of `RunConfig`; nested dictionaries for the stages; None means not given.

    Raises:
        SettingsError: an unknown preset or setting, an unreadable file, a value out of range.
    """
    require(preset is None or preset in PRESETS, f"preset '{preset}': choose one of {', '.join(PRESETS)}")
    values: Mapping[str, Any] = PRESETS[preset] if preset else {}
    if file is not None:
        values = merge(values, _read_json(file))
    return from_dict(RunConfig, merge({"dataset": ""}, merge(values, changes)))


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"settings file {file}: {error}; give a JSON file as `comus run` prints it") from None
    require(isinstance(values, dict), f"settings file {file}: holds no JSON object")
    return dict(values)

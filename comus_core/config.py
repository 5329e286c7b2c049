"""One frozen, validated settings object per stage, `RunConfig` over them, and the paper's presets."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from comus_core.errors import SettingsError

Normalisation = Literal["raw", "l2"]
MaskResize = Literal["soft", "binary"]
ClusteringMethod = Literal["spectral", "kmeans", "minibatch-kmeans", "hdbscan", "leiden"]
Assignment = Literal["kmeans", "cluster_qr"]
SmallComponents = Literal["attach", "keep"]
GraphSearch = Literal["auto", "exact", "nndescent", "faiss"]
Matching = Literal["auto", "hungarian", "majority"]
FilterBy = Literal["distance", "silhouette", "density", "agreement"]
Assign = Literal["nearest", "nystrom"]
TruthBoxes = Literal["auto", "ignore", "box"]
TruthOrientation = Literal["auto", "upright", "stored"]
TruthGroups = Literal["auto", "keep"]


def require(condition: bool, message: str) -> None:
    """Raise `SettingsError(message)` unless `condition` holds."""
    if not condition:
        raise SettingsError(message)


@dataclass(frozen=True)
class SaliencySettings:
    """How a soft map is made and becomes proposals (paper section 3.1; method 1.1)."""

    detector: str = "auto"  # a name of `comus_core.saliency`, `masks:DIR`, or `auto`
    threshold: float = 0.5  # on the soft map itself, never min-max scaled
    resize: MaskResize = "soft"  # soft: resize the map, then threshold; binary: threshold, then resize (paper)
    min_area: int = 400  # pixels of the original image; a mask must have more
    ncut_encoder: str = "auto"  # the encoder whose dense features `ncut` cuts

    def __post_init__(self) -> None:
        require(0 < self.threshold < 1, f"saliency threshold {self.threshold}: must lie between 0 and 1")
        require(self.min_area >= 0, f"saliency min_area {self.min_area}: must be 0 or more pixels")
        check_choice("saliency resize", self.resize, MaskResize)


@dataclass(frozen=True)
class FeatureSettings:
    """Which encoder describes a crop (paper section 3.2; method 1.2)."""

    encoder: str = "auto"  # a name of `comus_core.features`, `file:PATH` for the user's own vectors, or `auto`

    @property
    def from_file(self) -> bool:
        """Whether the vectors are the user's own: nobody can make such of another crop."""
        return self.encoder.startswith("file:")


@dataclass(frozen=True)
class ClusteringSettings:
    """How vectors become clusters (paper section 3.2; method 1.3)."""

    clusters: int | Literal["auto"] | None = None  # None: as many as ground-truth classes, else `auto`
    over_clusters: int = 0  # so many at first, merged along the graph to `clusters`; 0 or no more than those: none are
    method: ClusteringMethod = "spectral"
    features: Normalisation = "l2"
    neighbours: int = 30  # of the k-NN graph, the point itself among them
    n_init: int = 10  # restarts of k-means
    graph: GraphSearch = "auto"  # how neighbours are found; auto: exact up to 200,000 proposals
    assignment: Assignment = "kmeans"  # how rows of the spectral embedding become clusters
    small_components: SmallComponents = "attach"  # of the graph: to their nearest, or each a cluster (see components)

    def __post_init__(self) -> None:
        known = self.clusters is None or self.clusters == "auto"
        require(known or isinstance(self.clusters, int), f"clusters {self.clusters!r}: a number from 2 up, or auto")
        require(known or int(self.clusters or 0) >= 2, f"clusters {self.clusters}: at least 2 are needed")
        require(self.over_clusters == 0 or self.over_clusters >= 2, f"over_clusters {self.over_clusters}: 0, or 2 up")
        require(self.neighbours >= 2, f"neighbours {self.neighbours}: at least 2 (a point counts itself)")
        require(self.n_init >= 1, f"n_init {self.n_init}: at least 1")
        check_choice("clustering method", self.method, ClusteringMethod)
        check_choice("features", self.features, Normalisation)
        check_choice("graph", self.graph, GraphSearch)
        check_choice("assignment", self.assignment, Assignment)
        check_choice("small_components", self.small_components, SmallComponents)


@dataclass(frozen=True)
class TruthSettings:
    """How ground truth is read where its files leave that open; `auto` decides only what the files themselves show."""

    read: bool = True  # False: as if there were none, so that nothing is scored
    boxes: TruthBoxes = "auto"  # COCO objects with a box but no outline; auto: ignored among outlines, refused alone
    orientation: TruthOrientation = "auto"  # of masks of photographs turned by EXIF; auto: by size, else not scored
    groups: TruthGroups = "auto"  # COCO supercategories without annotations; auto: they are no classes

    def __post_init__(self) -> None:
        require(isinstance(self.read, bool), f"truth read {self.read!r}: must be true or false")
        check_choice("truth boxes", self.boxes, TruthBoxes)
        check_choice("truth orientation", self.orientation, TruthOrientation)
        check_choice("truth groups", self.groups, TruthGroups)


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run's result; the same object fills the form, the job file and the report."""

    dataset: str
    saliency: SaliencySettings = field(default_factory=SaliencySettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    truth: TruthSettings = field(default_factory=TruthSettings)
    filter_percent: float = 20.0  # p: share of each cluster dropped from the training masks
    filter_by: FilterBy = "distance"  # what ranks the proposals of a cluster
    matching: Matching = "auto"
    matching_from: str | None = None  # another run whose cluster-to-class matching is frozen
    seed: int = 0

    def __post_init__(self) -> None:
        require(bool(self.dataset), "no data set: give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo")
        require(0 <= self.filter_percent <= 100, f"filter {self.filter_percent}: a percentage from 0 to 100")
        require(0 <= self.seed < 2**32, f"seed {self.seed}: must lie between 0 and 4294967295")
        check_choice("matching", self.matching, Matching)
        check_choice("filter_by", self.filter_by, FilterBy)


PRESETS: dict[str, dict[str, Any]] = {
    "paper-voc": {
        "saliency": {"detector": "basnet", "resize": "binary", "threshold": 0.5, "min_area": 400},
        "features": {"encoder": "dino-vits8"},
        "clustering": {"clusters": 20, "method": "spectral", "features": "raw", "neighbours": 30, "n_init": 10},
        "filter_percent": 20.0,
    },
    "paper-coco": {
        "saliency": {"detector": "basnet", "resize": "binary", "threshold": 0.5, "min_area": 400},
        "features": {"encoder": "dino-vits8"},
        "clustering": {"clusters": 80, "method": "spectral", "features": "raw", "neighbours": 30, "n_init": 10},
        "filter_percent": 20.0,
    },
}

KIND_WORDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}

S = TypeVar("S")


def check_choice(what: str, value: str, choices: Any) -> None:
    """Raise `SettingsError`, listing the valid values, unless `value` is one of a `Literal`'s."""
    valid = get_args(choices)
    require(value in valid, f"{what} '{value}': choose one of {', '.join(valid)}")


def to_dict(settings: Any) -> dict[str, Any]:
    """A settings object as plain JSON values."""
    return dataclasses.asdict(settings)


def from_dict(cls: type[S], values: dict[str, Any], within: str = "") -> S:
    """Rebuild a settings object; an unknown key is an error that lists the valid ones. `within` begins their names."""
    require(isinstance(values, dict), f"{within or cls.__name__}: {values!r} is not an object of settings")
    hashable: Any = cls
    hints = _hints(hashable)
    unknown = sorted(set(values) - set(hints))
    require(not unknown, f"unknown setting {', '.join(unknown)}: valid are {', '.join(sorted(hints))}")
    nested = {
        k: from_dict(hints[k], v, f"{within}{k}.") if dataclasses.is_dataclass(hints[k]) else v
        for k, v in values.items()
    }
    for name, value in nested.items():
        kinds = _kinds(hints[name])
        words = " or ".join(KIND_WORDS[kind] for kind in kinds if kind is not type(None))
        require(not kinds or any(_is_of(value, kind) for kind in kinds), f"{within}{name} {value!r}: must be {words}")
    try:
        return cls(**nested)
    except TypeError as error:
        raise SettingsError(f"{cls.__name__}: {error}") from None


def _kinds(hint: Any) -> tuple[type, ...]:
    """The plain types that a field may have; none where it has others, which its class checks itself."""
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return kinds if all(kind in KIND_WORDS or kind is type(None) for kind in kinds) else ()


def _is_of(value: Any, kind: type) -> bool:
    """Whether a JSON value is of that type: a whole number is a number too, true is none."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


@lru_cache(maxsize=32)
def _hints(cls: Any) -> dict[str, Any]:
    """Fields of a settings class and their types; looking them up takes most of reading a run."""
    return get_type_hints(cls)


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, nested dictionaries merged and None left out."""
    merged = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict):
            merged[key] = merge(merged.get(key, {}), value)
        elif value is not None:
            merged[key] = value
    return merged


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
    values = PRESETS[preset] if preset else {}
    if file is not None:
        values = merge(values, _read_json(file))
    return from_dict(RunConfig, merge({"dataset": ""}, merge(values, changes)))


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"settings file {file}: {error}; give a JSON file as `comus run` prints it") from None
    require(isinstance(values, dict), f"settings file {file}: holds no JSON object")
    return dict(values)

"""What a saliency detector is, loaded or not. Readable without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.imports.records import Problem
from comus_core.plugins import PathKind, written
from comus_core.types import BoolMask, FloatArray, ImageId, RgbImage, SoftMap, SoftMaps
from comus_core.weights.registry import Supervision, WeightFile


class Detector(Protocol):
    """A loaded detector; the map of an image depends on that image alone, never on its batch."""

    @property
    def name(self) -> str:
        """As in `SaliencySettings.detector`."""

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Name in the registry -> SHA-256 of the file."""

    @property
    def batch_size(self) -> int:
        """How many images to give at once."""

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have: twice what the network sees."""

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One soft map an image, (h, w) float32 in [0, 1] at the detector's own size."""


class ObjectDetector(Detector, Protocol):
    """A loaded detector that tells the objects of an image apart: its spec says `several`."""

    def object_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMaps]:
        """(n, h, w) float32 in [0, 1] an image, one map an object, n = 0 where there is none.

        `soft_maps` are these united (`united`).
        """


def united(maps: SoftMaps) -> SoftMap:
    """The largest value of all objects' maps in each pixel, (n, h, w) -> (h, w); zero where there is no object."""
    return np.asarray(maps.max(axis=0, initial=0), np.float32)


class GivenObjects(Protocol):
    """Masks that a file gives, instead of soft maps."""

    @property
    def problems(self) -> Sequence[Problem]:
        """What of the file is not used."""

    def has(self, image_id: ImageId) -> bool:
        """Whether an image has an object."""

    def masks(self, image_id: ImageId, size_hw: tuple[int, int]) -> list[BoolMask]:
        """Those of an image, (H, W) bool without common pixels."""


class HasImageId(Protocol):
    """An image file of a data set, as far as a detector cares."""

    @property
    def image_id(self) -> ImageId:
        """The id that names the image everywhere."""


@dataclass(frozen=True)
class DetectorIdentity:
    """What decides the soft maps of some images, found out without loading a network.

    Attributes:
        settings: JSON values.
        weights: name in the registry -> SHA-256.
        inputs: hash of the user's own masks, else "".
        missing: images without a mask of the user's own; they yield no proposal.
    """

    settings: dict[str, Any]
    weights: dict[str, str] = field(default_factory=dict)
    inputs: str = ""
    missing: tuple[ImageId, ...] = ()


@dataclass(frozen=True)
class ItemCost:
    """What an image or a crop costs, for the estimate of a run where no earlier run has measured it.

    Attributes:
        work: what measured speeds are kept under.
        gflop: floating-point operations, in billions.
        seconds: on top of these.
    """

    work: str
    gflop: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Learner:
    """How a detector learns from the images of a run, without labels, before it is ready.

    Attributes:
        images: settings -> how many it learns from at most.
        at_least: settings -> pixels that the shorter side of an image need have.
        version: of the training; a changed one says so here.
        fit: settings, device, those images in order, and a seed -> what it learned: arrays by name.
        load: settings, device and what it learned -> the detector, ready to run.
    """

    images: Callable[[SaliencySettings], int]
    at_least: Callable[[SaliencySettings], int]
    version: str
    fit: Callable[[SaliencySettings, str, Iterable[RgbImage], int], Mapping[str, FloatArray]]
    load: Callable[[SaliencySettings, str, Mapping[str, FloatArray]], Detector]


@dataclass(frozen=True)
class DetectorSpec:
    """One detector's fixed facts, and how to load it: all that the program has to know of it.

    Attributes:
        name: as in `SaliencySettings.detector`.
        what: one line for people.
        load: settings and a device ("cpu", "cuda", "cuda:N", "mps") -> the detector, ready to run.
        weights: name in `comus_core.weights.registry.REGISTRY` of what it needs; None where it needs none, or others.
        supervision: what it owes to annotation, where no weights say so; None is unknown, the strongest.
        owes: settings -> supervision, where a file of the user's own says it.
        rank: among those that `auto` chooses from, the lowest that is on this machine; None is never chosen.
        gflop: see `ItemCost`.
        path_kind: what lies at the path of the user's own that follows its name, as in "masks:DIR"; None takes none.
        asks: what a form calls that path or name, and what to write there.
        own_files: of such a path: folder and image ids -> the files that decide the maps.
        cuts: whether it works on the dense features of the encoder that `ncut_encoder` names.
        several: whether it is an `ObjectDetector`, whose objects become a proposal each.
        always: whether it finds something in every image that is not of one colour, even on an empty wall.
        weight_file: the file behind `weights`, where this program's own registry has none.
        version: a detector that has changed says so here: its maps are then computed anew.
        identify: settings and images -> what decides the maps, where that is more than name, version and weights.
        needs: settings -> name of the weights, where they depend on settings.
        cost: settings -> cost, where it depends on settings.
        learner: of a detector that learns from the images of a run; `load` then says that it cannot be had without.
        given: settings and images -> masks, of a detector that has masks and needs no threshold.
    """

    name: str
    what: str
    load: Callable[[SaliencySettings, str], Detector]
    weights: str | None = None
    supervision: Supervision | None = None
    owes: Callable[[SaliencySettings], Supervision] | None = None
    rank: int | None = None
    gflop: float = 60.0
    path_kind: PathKind | None = None
    asks: tuple[str, str] = ("Path on the server", "")
    own_files: Callable[[Path, Sequence[ImageId]], Mapping[ImageId, Path]] | None = None
    cuts: bool = False
    several: bool = False
    always: bool = False
    version: str = ""
    identify: Callable[[SaliencySettings, Sequence[HasImageId]], DetectorIdentity] | None = None
    needs: Callable[[SaliencySettings], str | None] | None = None
    cost: Callable[[SaliencySettings], ItemCost] | None = None
    weight_file: WeightFile | None = None
    learner: Learner | None = None
    given: Callable[[SaliencySettings, Sequence[HasImageId]], GivenObjects] | None = None

    def __post_init__(self) -> None:
        if self.weight_file is not None and self.weights is None:
            object.__setattr__(self, "weights", self.weight_file.name)

    @property
    def written(self) -> str:
        """How a setting names it."""
        return written(self.name, self.path_kind)

    @property
    def finds(self) -> bool:
        """Whether it finds objects in any image; files of the user's own know none but theirs."""
        return self.own_files is None and self.given is None

    def weights_for(self, settings: SaliencySettings) -> str | None:
        """Name of the weights that it needs under these settings."""
        return self.needs(settings) if self.needs else self.weights

    def cost_for(self, settings: SaliencySettings) -> ItemCost:
        """What an image costs under these settings."""
        return self.cost(settings) if self.cost else ItemCost(self.name, self.gflop)

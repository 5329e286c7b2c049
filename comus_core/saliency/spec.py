"""What a saliency detector is, loaded or not. Readable without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from comus_core.config import SaliencySettings
from comus_core.plugins import PathKind, written
from comus_core.types import ImageId, RgbImage, SoftMap
from comus_core.weights.registry import Supervision, WeightFile


class Detector(Protocol):
    """A loaded detector; the map of an image depends on that image alone, never on its batch."""

    @property
    def name(self) -> str:
        """As in `SaliencySettings.detector`."""
        ...

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Name in the registry -> SHA-256 of the file."""
        ...

    @property
    def batch_size(self) -> int:
        """How many images to give at once."""
        ...

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have: twice what the network sees."""
        ...

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One soft map an image, (h, w) float32 in [0, 1] at the detector's own size."""
        ...


class HasImageId(Protocol):
    """An image file of a data set, as far as a detector cares."""

    @property
    def image_id(self) -> ImageId:
        """The id that names the image everywhere."""
        ...


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
class DetectorSpec:
    """One detector's fixed facts, and how to load it: all that the program has to know of it.

    Attributes:
        name: as in `SaliencySettings.detector`.
        what: one line for people.
        load: settings and a device ("cpu", "cuda", "cuda:N", "mps") -> the detector, ready to run.
        weights: name in `comus_core.weights.REGISTRY` of what it needs; None where it needs none, or others.
        supervision: what it owes to annotation, where no weights say so; None is unknown, the strongest.
        rank: among those that `auto` chooses from, the lowest that is on this machine; None is never chosen.
        gflop: see `ItemCost`.
        can_be_empty: whether an image with nothing salient gets no mask.
        path_kind: what lies at the path of the user's own that follows its name, as in "masks:DIR"; None takes none.
        own_files: of such a path: folder and image ids -> the files that decide the maps.
        cuts: whether it works on the dense features of the encoder that `ncut_encoder` names.
        weight_file: the file behind `weights`, where this program's own registry has none.
        version: a detector that has changed says so here: its maps are then computed anew.
        identify: settings and images -> what decides the maps, where that is more than name, version and weights.
        needs: settings -> name of the weights, where they depend on settings.
        cost: settings -> cost, where it depends on settings.
    """

    name: str
    what: str
    load: Callable[[SaliencySettings, str], Detector]
    weights: str | None = None
    supervision: Supervision | None = None
    rank: int | None = None
    gflop: float = 60.0
    can_be_empty: bool = True
    path_kind: PathKind | None = None
    own_files: Callable[[Path, Sequence[ImageId]], Mapping[ImageId, Path]] | None = None
    cuts: bool = False
    version: str = ""
    identify: Callable[[SaliencySettings, Sequence[HasImageId]], DetectorIdentity] | None = None
    needs: Callable[[SaliencySettings], str | None] | None = None
    cost: Callable[[SaliencySettings], ItemCost] | None = None
    weight_file: WeightFile | None = None

    def __post_init__(self) -> None:
        if self.weight_file is not None and self.weights is None:
            object.__setattr__(self, "weights", self.weight_file.name)

    @property
    def written(self) -> str:
        """How a setting names it."""
        return written(self.name, self.path_kind)

    def weights_for(self, settings: SaliencySettings) -> str | None:
        """Name of the weights that it needs under these settings."""
        return self.needs(settings) if self.needs else self.weights

    def cost_for(self, settings: SaliencySettings) -> ItemCost:
        """What an image costs under these settings."""
        return self.cost(settings) if self.cost else ItemCost(self.name, self.gflop)

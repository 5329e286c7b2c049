"""The settings of self-training: of the network, of each round, and of what `train` can be asked for. No torch."""

from __future__ import annotations

from dataclasses import field, replace
from importlib.util import find_spec
from typing import Annotated, Literal

from pydantic import Field

from comus_core.settings import Percent, Positive, Seed, Share, require, settings

CACHE_BYTES = 2 * 2**30  # decoded images that a training holds at most

Optimiser = Literal["adam", "adamw"]
Schedule = Literal["constant", "poly"]
Backbone = Literal["dino-resnet50", "efficientnet-lite0", "mobilenetv3-large"]
OutputStride = Literal[8, 16]
Resize = Literal["squash", "keep"]
Refine = Literal["none", "guided", "crf"]
Side = Annotated[int, Field(ge=32, multiple_of=16)]
Area = Annotated[float, Field(gt=0)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]


@settings
class NetworkSettings:
    """The network: DeepLabv3 over a pretrained backbone (method 1.6)."""

    backbone: Backbone = "efficientnet-lite0"
    """The backbone; every round starts from its pretrained weights."""
    output_stride: OutputStride = 16
    """Pixels of the input per cell of the backbone's output."""
    head_channels: Positive = 256
    """Channels of each ASPP branch."""


@settings
class OptimisationSettings:
    """How a network is trained on images and their masks (method 1.6).

    The reference writes areas of 0.5 to 2 for VOC: what does not fit is drawn again, up to ten times, then the largest
    middle crop is taken, so that it never zooms out.
    """

    crop: Side = 256
    """Pixels of the side of a training crop, a square."""
    area_least: Area = 0.5
    """Smallest area of a crop, as a share of the image's."""
    area_most: Area = 1.0
    """Largest area of a crop, as a share of the image's."""
    flip: bool = True
    """Mirror half of the crops left to right."""
    jitter: ShareBelowOne = 0.0
    """Change brightness, contrast and saturation of a crop by up to this share."""
    mix: Share = 0.0
    """Share of the crops that objects of another crop are pasted into (ClassMix)."""
    batch: Annotated[int, Field(ge=2)] = 8
    """Crops in a batch; batch norm needs at least two."""
    replicas: Positive = 1
    """Processes that a batch is divided among when steps are counted (paper: 8 GPUs); must divide `batch`."""
    optimiser: Optimiser = "adamw"
    """The optimiser."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4
    """The learning rate of the first step."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay of the optimiser."""
    schedule: Schedule = "poly"
    """How the learning rate changes over a round; poly: it falls as (1 - step / steps) to the power 0.9."""
    ema: ShareBelowOne = 0.99
    """Decay per step of the moving average of the weights, which is what is kept; 0 keeps the last weights."""

    def __post_init__(self) -> None:
        areas = f"area_least {self.area_least}, area_most {self.area_most}"
        require(self.area_least <= self.area_most, f"{areas}: the least must not be above the most")
        divided = self.batch % self.replicas == 0
        require(divided, f"replicas {self.replicas}: must divide the batch of {self.batch}")


@settings
class PredictionSettings:
    """How a trained network labels an image."""

    size: Side = 448
    """Pixels at which the network sees an image: the side of the square (squash), or the longer side (keep)."""
    resize: Resize = "keep"
    """squash: to a square, and back by the nearest pixel (paper); keep: keep the aspect ratio, and back smoothly."""
    flip: bool = True
    """Average the prediction with that of the mirrored image."""
    scales: bool = False
    """Average the prediction over 3/4, 1 and 5/4 of the size."""
    object_share: ShareBelowOne = 0.5
    """A pixel is object if all categories together have this share; each object has one category. 0: pixel by pixel."""
    saliency: Share = 0.5
    """Weight of the run's saliency in deciding what is object; needs `object_share`."""
    classifier_share: Share = 0.8
    """Weight of a linear classifier of the run's features in naming an object; needs `object_share`."""
    refine: Refine = "none"
    """guided: mask borders follow the edges of the image (guided filter); crf: by a fully connected CRF, which needs
    the package pydensecrf2."""

    def __post_init__(self) -> None:
        needed = "object_share must be above 0 too"
        require(bool(self.object_share or not self.saliency), f"saliency decides what is object: {needed}")
        require(bool(self.object_share or not self.classifier_share), f"classifier_share names objects: {needed}")

    def require_installed(self) -> None:
        """Raise `SettingsError` where the way to refine needs a package that is not installed."""
        message = "prediction.refine 'crf' needs pydensecrf: `pip install pydensecrf2`, or choose guided or none"
        require(self.refine != "crf" or find_spec("pydensecrf") is not None, message)

    @property
    def network_alone(self) -> PredictionSettings:
        """The same by the network alone: each pixel its best category, without anything that a package cannot hold."""
        return replace(self, object_share=0.0, saliency=0.0, classifier_share=0.0, scales=False, refine="none")


@settings
class LabelSettings:
    """What the rounds learn: the first from pseudo-masks, each later one from its teacher's masks."""

    regroup: bool = True
    """First round: regroup the clusters in neighbourhoods of half a mean cluster, where the run's are larger."""
    surroundings: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.2
    """Share of a box's sides added for a second crop around an object, to regroup and to classify it; 0: no crop."""
    saliency: Share = 0.5
    """Later rounds: weight of the run's saliency in deciding what is object in a teacher's masks."""
    confidence: ShareBelowOne = 0.0
    """Later rounds: ignore pixels of which the teacher is less confident than this."""
    balance: Share = 0.0
    """Later rounds: learn this most confident share of each category's pixels (CBST); 0: all."""
    soft: bool = False
    """Later rounds: learn the teacher's shares of all categories, not the best category alone."""


@settings
class TrainingSettings:
    """How the networks of all rounds are trained and label images."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    """The network."""
    optimisation: OptimisationSettings = field(default_factory=OptimisationSettings)
    """How a network is trained."""
    prediction: PredictionSettings = field(default_factory=PredictionSettings)
    """How a network labels images."""
    labels: LabelSettings = field(default_factory=LabelSettings)
    """What the rounds learn."""
    rounds: Positive = 1
    """Rounds: 1 trains the teacher, 2 a student of it (paper: 2 on VOC), and so on."""
    epochs: Positive = 12
    """Epochs of the first round."""
    later_epochs: Positive = 12
    """Epochs of each later round."""
    preview_every: Annotated[int, Field(ge=0)] = 240
    """Steps from one preview of the network to the next; 0: no previews."""
    checkpoint_every: Positive = 50
    """Steps from one checkpoint to the next."""

    def __post_init__(self) -> None:
        possible = self.prediction.object_share or not self.labels.saliency
        require(bool(possible), "labels.saliency decides what is object: prediction.object_share must be above 0 too")

    def epochs_of(self, number: int) -> int:
        """Epochs of round `number`, 1 for the first."""
        return self.epochs if number == 1 else self.later_epochs

    @property
    def labelling(self) -> PredictionSettings:
        """How a teacher labels images for its student."""
        return replace(self.prediction, saliency=self.labels.saliency)


@settings
class TrainSettings:
    """Train a segmenter on a run's pseudo-masks, round by round."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    """How the networks are trained and label images."""
    images: str | None = None
    """The data set that rounds after the first learn from; default: the run's own."""
    scored_on: str | None = None
    """The data set that every round is scored on; default: the run's own."""
    filter_percent: Percent | None = None
    """Percent of each cluster left out of the first round; default: as decided in the run."""
    seed: Seed = 0
    """Seed of the network's head, the order of images, crops and dropout."""

    def __post_init__(self) -> None:
        require(
            self.images is None or self.training.rounds > 1,
            f"images {self.images}: rounds after the first learn from them, and rounds is 1; set rounds to 2 or more",
        )

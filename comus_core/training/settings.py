"""The settings of self-training, and the presets: the paper's two, and ours for machines without a GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from comus_core.settings import Percent, Seed, check_choice, from_dict, merge, require, settings, to_dict

CACHE_BYTES = 2 * 2**30  # decoded images that a training holds at most
Optimiser = Literal["adam", "adamw"]
Schedule = Literal["constant", "poly"]
Backbone = Literal["dino-resnet50", "efficientnet-lite0", "mobilenetv3-large"]
Resize = Literal["squash", "keep"]
Refine = Literal["none", "guided"]


@settings
class TrainingSettings:
    """How a network is trained on masks, and how it then labels images.

    A crop's area is drawn from `area_least` to `area_most` of the image's. The reference writes 0.5 to 2 for VOC: what
    does not fit is drawn again, up to ten times, then the largest middle crop is taken, so that it never zooms out
    (method 1.6).
    """

    backbone: Backbone = "efficientnet-lite0"
    output_stride: int = 16
    head_channels: int = 256  # of each ASPP branch
    crop: int = 256  # pixels of the square the network is trained on
    area_least: float = 0.5
    area_most: float = 1.0
    flip: bool = True  # left and right, every second crop
    jitter: float = 0.0  # brightness, contrast and saturation change by up to this share
    batch: int = 8
    replicas: int = 1  # that a batch is counted out for; the paper's 8 GPUs decide its steps an epoch
    epochs: int = 12  # of the first round
    later_epochs: int = 12  # of each round after it
    optimiser: Optimiser = "adamw"
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    schedule: Schedule = "poly"  # poly: (1 − step / steps) to the power 0.9
    rounds: int = 2
    regroup: bool = True  # learn from clusters in neighbourhoods of half a mean cluster, where the run's are larger
    surroundings: float = 1.2  # of a box's sides, added for a second look at what is around; for regroup and classifier
    predict_size: int = 448  # pixels: the side of the square (squash), or the longer side (keep)
    predict_resize: Resize = "keep"
    predict_flip: bool = True  # average with the mirrored image
    predict_scales: bool = False  # average over 3/4, 1 and 5/4 of the size
    object_share: float = 0.5  # > 0: pixels of this share of all categories are object, each object of one category
    predict_saliency: float = 0.5  # weight of the run's saliency in what is object; needs object_share
    label_saliency: float = 0.5  # the same where a teacher labels images for the next round
    classifier_share: float = 0.8  # weight of a linear classifier of the run's features in what each object is
    refine: Refine = "none"  # guided: borders of the masks follow the photograph's edges
    confidence: float = 0.0  # later rounds: pixels the teacher is less sure of are ignored
    balance: float = 0.0  # later rounds: the surest share of each category's pixels is kept (CBST); 0 keeps all
    soft: bool = False  # later rounds: the teacher's shares of all categories are learnt, not the best one
    mix: float = 0.0  # share of crops into which the objects of another are pasted (ClassMix)
    ema: float = 0.99  # decay a step of the weights' average that is kept as the network; 0 keeps the last weights
    checkpoint_every: int = 50  # steps
    look_every: int = 240  # steps from one look at the network in training to the next; 0 never looks

    def __post_init__(self) -> None:
        check_choice("backbone", self.backbone, Backbone)
        check_choice("optimiser", self.optimiser, Optimiser)
        check_choice("schedule", self.schedule, Schedule)
        check_choice("predict_resize", self.predict_resize, Resize)
        check_choice("refine", self.refine, Refine)
        require(self.output_stride in (8, 16), f"output_stride {self.output_stride}: 8 or 16")
        for name in ("crop", "predict_size"):
            side = getattr(self, name)
            require(side >= 32 and side % 16 == 0, f"{name} {side}: a multiple of 16, at least 32 pixels")
        areas = f"area {self.area_least} to {self.area_most}"
        require(0 < self.area_least <= self.area_most, f"{areas}: above 0, the least first")
        for name in ("head_channels", "batch", "epochs", "later_epochs", "rounds", "checkpoint_every"):
            require(getattr(self, name) >= 1, f"{name} {getattr(self, name)}: at least 1")
        require(self.batch >= 2, f"batch {self.batch}: at least 2, since batch norm needs several")
        parts = self.replicas >= 1 and self.batch % self.replicas == 0
        require(parts, f"replicas {self.replicas}: must divide the batch of {self.batch}")
        require(self.look_every >= 0, f"look_every {self.look_every}: 0 (never) or a number of steps")
        around = 0 <= self.surroundings < math.inf
        require(around, f"surroundings {self.surroundings}: a share of a box's sides, 0 for none")
        require(self.learning_rate > 0, f"learning_rate {self.learning_rate}: above 0")
        require(self.weight_decay >= 0, f"weight_decay {self.weight_decay}: 0 or more")
        for name in ("balance", "mix", "predict_saliency", "label_saliency", "classifier_share"):
            require(0 <= getattr(self, name) <= 1, f"{name} {getattr(self, name)}: a share from 0 to 1")
        if not self.object_share:
            salient = self.predict_saliency or self.label_saliency
            require(not salient, "saliency decides what is object: object_share must be above 0 too")
            require(not self.classifier_share, "classifier_share: objects are classified; object_share must be above 0")
        for name in ("jitter", "confidence", "ema", "object_share"):
            require(0 <= getattr(self, name) < 1, f"{name} {getattr(self, name)}: from 0 to less than 1")

    def epochs_of(self, number: int) -> int:
        """Epochs of round `number`, 1 for the first."""
        return self.epochs if number == 1 else self.later_epochs


@settings
class TrainingRequest:
    """What a person asks for beside the settings of the network.

    Attributes:
        images: data set that rounds after the first learn from; None is the run's own.
        scored_on: data set that every round is scored on; None is the run's own.
        filter_percent: of every cluster, for the first round; None is as decided in the run.
        seed: of heads, order, crops and dropped units.
    """

    images: str | None = None
    scored_on: str | None = None
    filter_percent: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        percent = self.filter_percent
        require(percent is None or 0 <= percent <= 100, f"filter {percent}: a percentage from 0 to 100")
        require(0 <= self.seed < 2**32, f"seed {self.seed}: must lie between 0 and 4294967295")


@settings
class TrainSettings:
    """Train a segmenter on the pseudo-masks of a run, round by round."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    images: str | None = None
    """The data set that rounds after the first learn from; default: the run's own."""
    scored_on: str | None = None
    """The data set that every round is scored on; default: the run's own."""
    filter_percent: Percent | None = None
    """Percent of each cluster left out of the first round; default: as decided."""
    seed: Seed = 0
    """Of every random choice."""

    @property
    def request(self) -> TrainingRequest:
        """What is asked for beside the settings of the network."""
        return TrainingRequest(self.images, self.scored_on, self.filter_percent, self.seed)


@settings
class AblationSettings:
    """Measure what each step and each training switch contributes: a table of mIoU."""

    training: TrainingSettings = field(default_factory=TrainingSettings)
    images: str | None = None
    """The data set that rounds after the first learn from; default: the run's own."""
    scored_on: str | None = None
    """The data set that every round is scored on; default: the run's own."""
    filter_percent: Percent | None = None
    """Percent of each cluster left out of the first round; default: as decided."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the trainings."""
    rows: tuple[str, ...] = ()
    """Names of the rows to compute; default: all."""


_PAPER: dict[str, Any] = {
    "regroup": False,
    "surroundings": 0.0,
    "backbone": "dino-resnet50",
    "output_stride": 8,
    "head_channels": 256,
    "flip": True,
    "jitter": 0.0,
    "batch": 56,  # 7 on each of 8 GPUs, with batch norm over all of them
    "replicas": 8,
    "optimiser": "adam",
    "learning_rate": 6e-5,
    "weight_decay": 0.0,
    "schedule": "constant",
    "predict_resize": "squash",
    "predict_flip": False,
    "predict_scales": False,
    "object_share": 0.0,
    "predict_saliency": 0.0,
    "label_saliency": 0.0,
    "classifier_share": 0.0,
    "refine": "none",
    "confidence": 0.0,
    "balance": 0.0,
    "soft": False,
    "mix": 0.0,
    "ema": 0.0,
    "look_every": 0,
}

# The paper's epochs are one more than its settings say: the reference counts to them inclusively (method 1.6).
TRAINING_PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {},
    "paper-voc": _PAPER
    | {
        "crop": 512,
        "area_least": 0.5,
        "area_most": 2.0,
        "epochs": 10,
        "later_epochs": 5,
        "rounds": 2,
        "predict_size": 512,
    },
    "paper-coco": _PAPER
    | {
        "crop": 256,
        "area_least": 0.2,
        "area_most": 1.0,
        "epochs": 1,
        "later_epochs": 1,
        "rounds": 1,
        "predict_size": 256,
    },
}


def make_training(preset: str = "cpu", **changes: Any) -> TrainingSettings:
    """The settings of a preset with single changes; None means not given.

    Raises:
        SettingsError: an unknown preset or setting, a value out of range.
    """
    require(preset in TRAINING_PRESETS, f"preset '{preset}': choose one of {', '.join(TRAINING_PRESETS)}")
    return from_dict(TrainingSettings, merge(TRAINING_PRESETS[preset], changes))


def asked(settings: TrainingSettings, request: TrainingRequest) -> dict[str, Any]:
    """Both as one JSON object: what a job and a stored training hold."""
    return {"training": to_dict(settings), **to_dict(request)}


def what_was_asked(values: Mapping[str, Any]) -> tuple[TrainingSettings, TrainingRequest]:
    """The other way round.

    Raises:
        SettingsError: an unknown setting, or a value out of range.
    """
    request = {key: value for key, value in values.items() if key != "training"}
    return from_dict(TrainingSettings, dict(values.get("training", {}))), from_dict(TrainingRequest, request)

"""How long a training will take, before it starts: from earlier ones on this machine, else from arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from comus_core.config import RunConfig
from comus_core.features.encoders import own_vectors
from comus_core.pipelines.estimate import (
    BASE_BYTES,
    EFFICIENCY,
    GPU_GFLOPS,
    matrix_speed,
    remember,
    seconds_per_image,
    speeds,
)
from comus_core.pipelines.model_selection import resolve
from comus_core.runs.training_previews import EXAMPLES, SCORED
from comus_core.settings import require
from comus_core.training.settings import CACHE_BYTES, PredictionSettings, TrainingSettings
from comus_core.workspace import Workspace

# GFLOP to train on one crop of 256 pixels at output stride 16, forwards and backwards; counted from the architectures.
GFLOP = {"efficientnet-lite0": 8.0, "dino-resnet50": 47.0, "mobilenetv3-large": 11.7}
# Bytes to train on the CPU: network, optimiser and average; and each crop of 256 pixels of a batch at output stride 16.
# Measured at 2 and at 6 or 8 crops a batch.
MEMORY = {
    "efficientnet-lite0": (380_000_000, 200_000_000),
    "dino-resnet50": (1_160_000_000, 160_000_000),
    "mobilenetv3-large": (540_000_000, 110_000_000),
}
CROP = 256
STRIDE_8_MEMORY = 2.4  # times as much a crop at output stride 8
BYTES_PER_EXAMPLE = 2_000_000  # an image of half a megapixel and its mask, held while there is room
FORWARD_SHARE = 1 / 3  # of that, what a prediction needs
SCALES_COST = (3 / 4) ** 2 + 1 + (5 / 4) ** 2  # three scales instead of one, in pixels
GUIDED_SECONDS = 0.07 + 5 * 0.03  # an image at 448 pixels: the filter, and each category that is likely somewhere
SCORING_SECONDS = 0.02  # an image: its mask written, read and counted


@dataclass(frozen=True)
class TrainingImages:
    """How many images the rounds of a training need.

    Attributes:
        own: images that the first round learns from.
        later: images of another data set that each further round learns from; None for the run's own.
        scored: images of another data set that each round is scored on; None for the run's own.
        shared: whether these two are one data set.
    """

    own: int
    later: int | None = None
    scored: int | None = None
    shared: bool = False

    def learned_in(self, number: int) -> int:
        """Images that round `number` learns from, 1 for the first."""
        return self.own if number == 1 or self.later is None else self.later

    @property
    def predicted(self) -> int:
        """Images that each round is scored on."""
        return self.own if self.scored is None else self.scored

    @property
    def labelled_when_scored(self) -> bool:
        """Whether the images that later rounds learn from are those that rounds are scored on."""
        return self.shared or self.later is self.scored is None


@dataclass(frozen=True)
class TrainingCost:
    """What all rounds will take.

    Attributes:
        training: seconds of each round.
        predicting: seconds in each round.
        measured: whether an earlier training here gave the speed.
        memory_bytes: of main memory at the peak.
        scored: stage -> seconds, before round 0 is scored on another data set: of its images, saliency and features.
        own: the same of the run's own images: what is around their proposals.
        later: the same of images, other than those, that later rounds learn from: checked, and their saliency.
    """

    training: tuple[float, ...]
    predicting: float
    measured: bool
    memory_bytes: int
    scored: dict[str, float] = field(default_factory=dict)
    own: dict[str, float] = field(default_factory=dict)
    later: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds of all rounds."""
        once = sum(sum(stages.values()) for stages in (self.own, self.scored, self.later))
        return sum(self.training) + len(self.training) * self.predicting + once


def training_cost(
    settings: TrainingSettings,
    images: TrainingImages,
    workspace: Workspace,
    device: str = "cpu",
    *,
    config: RunConfig | None = None,
) -> TrainingCost:
    """The cost of all rounds, if nothing is reused but what the run has of its own images.

    `workspace` holds the speed of earlier trainings. `config` is the run's: its detector and encoder look at other data
    sets, for which it is needed, and its encoder at the objects that a classifier names.
    """
    other = images.later is not None or images.scored is not None
    require(config is not None or not other, "the cost of other data sets needs the run's settings")
    known = speeds(workspace, device).get(_work(settings))
    seconds = known if known is not None else _arithmetic(settings, device)
    each_stage = seconds_per_image(resolve(config), workspace, device) if config is not None else {}
    mask = _mask_seconds(settings, seconds, config, each_stage)
    training = tuple(
        (seconds + _preview_seconds(settings, images, mask)) * images.learned_in(number) * settings.epochs_of(number)
        for number in range(1, settings.rounds + 1)
    )
    most = max(images.learned_in(number) for number in range(1, settings.rounds + 1))
    predicting = _predictions_per_round(settings, images) * mask
    cost = TrainingCost(training, predicting, known is not None, training_memory(settings, most, device))
    if config is None:
        return cost
    unseen = 0 if images.shared or settings.rounds == 1 else images.later or 0
    needed = ("images", "saliency") if settings.labels.saliency else ("images",)
    return replace(
        cost,
        own={"surroundings": _around(settings, config) * each_stage["features"] * images.own},
        scored={stage: each * (images.scored or 0) for stage, each in each_stage.items()},
        later={stage: each_stage[stage] * unseen for stage in needed},
    )


def training_memory(settings: TrainingSettings, images: int, device: str) -> int:
    """Bytes of main memory at the peak of a training on so many images; what a GPU holds of its own is not in it."""
    held = BASE_BYTES + min(images * BYTES_PER_EXAMPLE, CACHE_BYTES)
    if device != "cpu":
        return held
    network, each = MEMORY[settings.network.backbone]
    optimisation = settings.optimisation
    pixels = (optimisation.crop / CROP) ** 2 * (STRIDE_8_MEMORY if settings.network.output_stride == 8 else 1.0)
    return held + network + round(each * optimisation.batch * pixels)


def seconds_left(
    settings: TrainingSettings, number: int, in_round: float, images: int | None, images_per_second: float
) -> float | None:
    """Seconds of training still to come at the present pace, predictions not counted.

    `in_round` are those that round `number`, at work now, will still take; `images` those that each later round learns
    from, None if that is not known.

    Returns:
        None where rounds are to come whose images are not known.
    """
    later = [settings.epochs_of(n) for n in range(number + 1, settings.rounds + 1)]
    if later and images is None:
        return None
    return in_round + sum(later) * (images or 0) / max(images_per_second, 1e-9)


def remember_speed(workspace: Workspace, settings: TrainingSettings, device: str, images_per_second: float) -> None:
    """Keep, for the next estimate, how fast a network was trained."""
    remember(workspace, {_work(settings): 1 / max(images_per_second, 1e-9)}, device)


def _mask_seconds(
    settings: TrainingSettings, training: float, config: RunConfig | None, each_stage: dict[str, float]
) -> float:
    """Seconds of one predicted mask, where training on an image takes `training` seconds."""
    prediction: PredictionSettings = settings.prediction
    forward = training * FORWARD_SHARE * (prediction.size / settings.optimisation.crop) ** 2
    views = (2 if prediction.flip else 1) * (SCALES_COST if prediction.scales else 1)
    refining = GUIDED_SECONDS * (prediction.size / 448) ** 2 if prediction.refine == "guided" else 0.0
    return forward * views + refining + _naming(settings, config, each_stage) + SCORING_SECONDS


def _preview_seconds(settings: TrainingSettings, images: TrainingImages, mask: float) -> float:
    """Seconds of previews per image trained on."""
    if not settings.preview_every:
        return 0.0
    preview = (EXAMPLES + min(SCORED, images.predicted)) * mask
    return preview / (settings.preview_every * settings.optimisation.batch)


def _predictions_per_round(settings: TrainingSettings, images: TrainingImages) -> float:
    """Images that are predicted in a round, in the mean over all: to be scored, and to label them for the next one."""
    once = images.labelled_when_scored and settings.labelling == settings.prediction
    labelled = 0 if once else images.learned_in(2)
    return images.predicted + labelled * (settings.rounds - 1) / settings.rounds


def _around(settings: TrainingSettings, config: RunConfig) -> bool:
    """Whether the encoder also looks at what is around an object."""
    used = settings.labels.regroup or settings.prediction.classifier_share
    return bool(settings.labels.surroundings and used and not own_vectors(config.features.encoder))


def _naming(settings: TrainingSettings, config: RunConfig | None, each_stage: dict[str, float]) -> float:
    """Seconds an image in which the classifier names its objects, about as many as it has proposals."""
    if not settings.prediction.classifier_share or config is None or own_vectors(config.features.encoder):
        return 0.0
    return each_stage["features"] * (1 + _around(settings, config))


def _work(settings: TrainingSettings) -> str:
    network = settings.network
    return f"train {network.backbone} {network.output_stride} {settings.optimisation.crop} {network.head_channels}"


def _arithmetic(settings: TrainingSettings, device: str) -> float:
    network = settings.network
    gflop = GFLOP[network.backbone] * (settings.optimisation.crop / CROP) ** 2 * (16 / network.output_stride) ** 2
    return gflop / (GPU_GFLOPS if device != "cpu" else matrix_speed() * EFFICIENCY)

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
from comus_core.runs.training_previews import EXAMPLES, SCORED
from comus_core.settings import require
from comus_core.training.settings import CACHE_BYTES, TrainingSettings
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
class TrainingCost:
    """What all rounds will take.

    Attributes:
        training: seconds of each round.
        predicting: seconds in each round.
        measured: whether an earlier training here gave the speed.
        memory_bytes: of main memory at the peak.
        scored: stage -> seconds, before round 0 is scored on another data set: of its images, saliency and features.
        own: the same of the run's own images: what is around their proposals.
        later: the same of images, other than those, that later rounds learn from: checked, and looked at for saliency.
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
        seen_first = sum(sum(stages.values()) for stages in (self.own, self.scored, self.later))
        return sum(self.training) + len(self.training) * self.predicting + seen_first


def training_cost(
    settings: TrainingSettings,
    images: int,
    workspace: Workspace,
    device: str = "cpu",
    *,
    later: int | None = None,
    scored: int | None = None,
    shared: bool = False,
    config: RunConfig | None = None,
) -> TrainingCost:
    """The cost of all rounds, if nothing is reused but what the run has of its own images.

    Args:
        settings: of the training.
        images: that the first round learns from.
        workspace: where earlier trainings left their speed.
        device: it will run on.
        later: images of another data set that each further round learns from; None for the run's own.
        scored: images of another data set that each round is scored on; None for the run's own.
        shared: whether these are one data set.
        config: of the run, whose detector and encoder look at other data sets, needed if there are any; and whose
            encoder looks at the objects that a classifier names.
    """
    require(config is not None or later is scored is None, "the cost of other data sets needs the run's settings")
    known = speeds(workspace, device).get(_work(settings))
    each = known if known is not None else _arithmetic(settings, device)
    counts = [images if number == 1 or later is None else later for number in range(1, settings.rounds + 1)]
    forward = each * FORWARD_SHARE * (settings.predict_size / settings.crop) ** 2
    views = (2 if settings.predict_flip else 1) * (SCALES_COST if settings.predict_scales else 1)
    refining = GUIDED_SECONDS * (settings.predict_size / 448) ** 2 if settings.refine == "guided" else 0.0
    each_stage = seconds_per_image(config, workspace, device) if config is not None else {}
    mask = forward * views + refining + _naming(settings, config, each_stage) + SCORING_SECONDS
    look = (EXAMPLES + min(SCORED, images if scored is None else scored)) * mask
    looked = look / (settings.look_every * settings.batch) if settings.look_every else 0.0  # a training image
    training = tuple(
        (each + looked) * count * settings.epochs_of(number) for number, count in enumerate(counts, start=1)
    )
    once = (shared or later is scored is None) and settings.label_saliency == settings.predict_saliency
    taught = 0 if once else images if later is None else later  # labelled for the next round beside those
    predicted = (images if scored is None else scored) + taught * (settings.rounds - 1) / settings.rounds
    cost = TrainingCost(training, predicted * mask, known is not None, training_memory(settings, max(counts), device))
    if config is None:
        return cost
    unseen = 0 if shared or settings.rounds == 1 else later or 0
    looked_at = ("images", "saliency") if settings.label_saliency else ("images",)
    return replace(
        cost,
        own={"surroundings": _around(settings, config) * each_stage["features"] * images},
        scored={stage: seconds * (scored or 0) for stage, seconds in each_stage.items()},
        later={stage: each_stage[stage] * unseen for stage in looked_at},
    )


def training_memory(settings: TrainingSettings, images: int, device: str) -> int:
    """Bytes of main memory at the peak of a training on so many images; what a GPU holds of its own is not in it."""
    held = BASE_BYTES + min(images * BYTES_PER_EXAMPLE, CACHE_BYTES)
    if device != "cpu":
        return held
    network, each = MEMORY[settings.backbone]
    pixels = (settings.crop / CROP) ** 2 * (STRIDE_8_MEMORY if settings.output_stride == 8 else 1.0)
    return held + network + round(each * settings.batch * pixels)


def _around(settings: TrainingSettings, config: RunConfig) -> bool:
    """Whether the encoder also looks at what is around an object."""
    used = settings.regroup or settings.classifier_share
    return bool(settings.surroundings and used and not own_vectors(config.features.encoder))


def _naming(settings: TrainingSettings, config: RunConfig | None, each_stage: dict[str, float]) -> float:
    """Seconds an image in which the classifier is asked about its objects, about as many as it has proposals."""
    if not settings.classifier_share or config is None or own_vectors(config.features.encoder):
        return 0.0
    return each_stage["features"] * (1 + _around(settings, config))


def seconds_left(
    settings: TrainingSettings, number: int, in_round: float, images: int | None, images_per_second: float
) -> float | None:
    """Seconds of training still to come at the present pace, predictions not counted.

    Args:
        settings: of the training.
        number: of the round at work.
        in_round: seconds that it will still take.
        images: that each later round learns from; None if that is not known.
        images_per_second: of the training now.

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


def _work(settings: TrainingSettings) -> str:
    return f"train {settings.backbone} {settings.output_stride} {settings.crop} {settings.head_channels}"


def _arithmetic(settings: TrainingSettings, device: str) -> float:
    gflop = GFLOP[settings.backbone] * (settings.crop / 256) ** 2 * (16 / settings.output_stride) ** 2
    return gflop / (GPU_GFLOPS if device != "cpu" else matrix_speed() * EFFICIENCY)

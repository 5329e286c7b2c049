"""How long a training will take, before it starts: from earlier ones on this machine, else from arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from comus_core.estimate import EFFICIENCY, GPU_GFLOPS, matrix_speed, remember, speeds
from comus_core.self_training.settings import TrainingSettings
from comus_core.workspace import Workspace

# GFLOP to train on one crop of 256 pixels at output stride 16, forwards and backwards; counted from the architectures.
GFLOP = {"efficientnet-lite0": 8.0, "dino-resnet50": 47.0}
FORWARD_SHARE = 1 / 3  # of that, what a prediction needs
SCALES_COST = (3 / 4) ** 2 + 1 + (5 / 4) ** 2  # three scales instead of one, in pixels
GUIDED_SECONDS = 0.07 + 5 * 0.03  # an image at 448 pixels: the filter, and each category that is likely somewhere
SCORING_SECONDS = 0.02  # an image: its mask written, read and counted


@dataclass(frozen=True)
class TrainingCost:
    """Seconds of training and of predicting in each round, and whether an earlier training here gave the speed."""

    training: tuple[float, ...]
    predicting: float
    measured: bool

    @property
    def total(self) -> float:
        """Seconds of all rounds."""
        return sum(self.training) + len(self.training) * self.predicting


def training_cost(settings: TrainingSettings, images: int, workspace: Workspace, device: str = "cpu") -> TrainingCost:
    """The cost of all rounds over so many images, if no round is reused."""
    known = speeds(workspace, device).get(_work(settings))
    each = known if known is not None else _arithmetic(settings, device)
    epochs = [settings.epochs_of(number) for number in range(1, settings.rounds + 1)]
    views = (2 if settings.predict_flip else 1) * (SCALES_COST if settings.predict_scales else 1)
    forward = each * FORWARD_SHARE * (settings.predict_size / settings.crop) ** 2 * views
    refining = GUIDED_SECONDS * (settings.predict_size / 448) ** 2 if settings.refine == "guided" else 0.0
    predicting = images * (forward + refining + SCORING_SECONDS)
    return TrainingCost(tuple(each * images * count for count in epochs), predicting, known is not None)


def remember_speed(workspace: Workspace, settings: TrainingSettings, device: str, images_per_second: float) -> None:
    """Keep, for the next estimate, how fast a network was trained."""
    remember(workspace, {_work(settings): 1 / max(images_per_second, 1e-9)}, device)


def _work(settings: TrainingSettings) -> str:
    return f"train {settings.backbone} {settings.output_stride} {settings.crop} {settings.head_channels}"


def _arithmetic(settings: TrainingSettings, device: str) -> float:
    gflop = GFLOP[settings.backbone] * (settings.crop / 256) ** 2 * (16 / settings.output_stride) ** 2
    return gflop / (GPU_GFLOPS if device != "cpu" else matrix_speed() * EFFICIENCY)

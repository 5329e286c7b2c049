"""What a network is tried on while it trains, and where its masks of that lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from comus_core.types import FloatArray, ImageId, IndexMask, IntArray, RgbImage, SoftMap

FOLDER, IMAGES = "previews", "images.json"  # inside the network's artifact

Classify = Callable[[RgbImage, IntArray], FloatArray]  # image, its m numbered objects -> (m, C) shares, see `objects`


@dataclass(frozen=True)
class PreviewImages:
    """Images that a network in training is tried on.

    Attributes:
        ids: of the images.
        read: an id -> (H, W, 3) image.
        soft_map: an id -> its saliency, (h, w) at the detector's own size; None where saliency has no weight.
    """

    ids: tuple[ImageId, ...]
    read: Callable[[ImageId], RgbImage]
    soft_map: Callable[[ImageId], SoftMap] | None = None


@dataclass(frozen=True)
class PreviewPlan:
    """What a network in training is tried on from time to time.

    Attributes:
        every: steps from one preview to the next; the round's last step has one too.
        examples: the images whose masks are kept.
        scored: the images that a preview is scored on; none without ground truth.
        count: the id of a scored image and its predicted (H, W) mask -> (C + 1, classes) int64 pixels.
        score: the sum of those -> mIoU in percent, matched as the run is.
        classify: names an image's objects (`objects.voted`); None leaves that to the network.
    """

    every: int
    examples: PreviewImages
    scored: PreviewImages
    count: Callable[[ImageId, IndexMask], IntArray]
    score: Callable[[IntArray], float]
    classify: Classify | None = None

    def is_due(self, step: int, steps: int) -> bool:
        """Whether there is a preview after `step` of `steps`, 1 the first."""
        return step % self.every == 0 or step == steps


def preview_file(folder: Path, step: int, number: int) -> Path:
    """Where the mask of example `number` at a step lies, below the folder of the network."""
    return folder / FOLDER / f"{step:07d}" / f"{number}.png"

"""A 1 × 1 convolution that learns what is an object from FOUND's rule and from itself (method 2.5). Needs torch.

As published, but for four things, all to train on two cores in a minute: features are computed once, of whole images
instead of random crops; all of them are divided by their root mean square, which is undone in the weights; the head's
own filtered masks are made anew every 50 steps instead of at each; and masks are filtered by the guided filter, with a
radius of one cell, instead of the bilateral solver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from comus_core.config.cuts import FoundHeadSettings
from comus_core.proposals.resizing import resize_bilinear
from comus_core.saliency.refinement.guided import GuidedFilter
from comus_core.types import BoolMask, FloatArray, RgbImage

DECAY_EVERY, DECAY = 50, 0.95  # steps, and by how much the learning rate falls (FOUND)
REFRESH_EVERY = 50  # steps between the head's own filtered masks
FILTER_SIDE, LEAST_CELL = 128, 2  # pixels of the longer side of the image as masks are filtered, and at least of a cell
TRUSTED = 0.5  # IoU with the mask above which a filtered mask replaces it (FOUND)

Filter = Callable[[int, BoolMask], BoolMask]  # number of an image and (h, w) -> (h, w), along the image's edges


class EdgeFilter:
    """Moves masks of cells to the edges of one image, by the guided filter."""

    def __init__(self, image: RgbImage, grid_hw: tuple[int, ...]) -> None:
        """`image` is (H, W, 3) uint8 of any size, `grid_hw` its rows and columns of cells."""
        height, width = grid_hw
        self.cell = max(LEAST_CELL, FILTER_SIDE // max(height, width))
        size = width * self.cell, height * self.cell
        small = np.array(Image.fromarray(image).resize(size, Image.Resampling.BOX))
        self.filter = GuidedFilter(torch.from_numpy(small).permute(2, 0, 1), radius=self.cell)

    def __call__(self, mask: BoolMask) -> BoolMask:
        """(h, w) -> (h, w): the cells of which the filtered mask, enlarged to the image, covers more than half."""
        (height, width), cell = mask.shape, self.cell
        enlarged = resize_bilinear(mask, (height * cell, width * cell))
        soft = self.filter.refine(torch.from_numpy(enlarged)).numpy()
        return np.asarray(soft.reshape(height, cell, width, cell).mean(axis=(1, 3)) > 0.5)


def fit_head(
    cells: Sequence[FloatArray], masks: Sequence[BoolMask], filtered: Filter, settings: FoundHeadSettings, seed: int
) -> Mapping[str, FloatArray]:
    """Weights and bias of the head; the same for the same inputs and seed.

    Args:
        cells: n features, (h, w, d) each, of sizes of their own.
        masks: n (h, w), FOUND's rule on the same images.
        filtered: makes a mask follow the edges of its image.
        settings: of the training.
        seed: of the images that each step draws.

    Returns:
        `weight` (d,) and `bias` (1,), float32, of raw features.
    """
    scale = float(np.sqrt(np.mean([np.mean(np.square(c, dtype=np.float64)) for c in cells]))) or 1.0
    features = [torch.from_numpy(c.reshape(-1, c.shape[2]).astype(np.float32) / scale) for c in cells]
    weight = torch.zeros(cells[0].shape[2], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.AdamW([weight, bias], lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, DECAY_EVERY, DECAY)
    rule = [_flat(trusted(filtered(k, mask), mask)) for k, mask in enumerate(masks)]
    own = rule  # until the head has learned something
    draws = np.random.default_rng(seed)
    for step in range(settings.steps):
        if step and step % REFRESH_EVERY == 0:
            own = [_own_mask(k, f, weight, bias, masks[k].shape, filtered) for k, f in enumerate(features)]
        drawn = draws.choice(len(features), min(settings.batch, len(features)), replace=False)
        logits = torch.cat([features[k] for k in drawn]) @ weight + bias
        loss = settings.filtered_weight * bce(logits, torch.cat([own[k] for k in drawn]))
        if step < settings.first_steps:
            loss = loss + bce(logits, torch.cat([rule[k] for k in drawn]))
        else:
            loss = loss + settings.own_weight * bce(logits, (logits.detach() > 0).float())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return {"weight": (weight.detach() / scale).numpy(), "bias": bias.detach().numpy()}


def trusted(filtered: BoolMask, mask: BoolMask) -> BoolMask:
    """The filtered mask, or the mask itself where their IoU is not above 0.5."""
    union = int((filtered | mask).sum())
    return filtered if union and int((filtered & mask).sum()) / union > TRUSTED else mask


def _own_mask(
    number: int, features: Tensor, weight: Tensor, bias: Tensor, shape: tuple[int, ...], filtered: Filter
) -> Tensor:
    with torch.no_grad():
        mask = (features @ weight + bias > 0).numpy().reshape(shape)
    return _flat(trusted(filtered(number, mask), mask))


def _flat(mask: BoolMask) -> Tensor:
    return torch.from_numpy(mask.ravel().astype(np.float32))

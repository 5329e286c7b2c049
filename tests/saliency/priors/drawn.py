"""Images whose salient object is known."""

import numpy as np


def disc(centre, radius, size=(200, 260), background=(60, 90, 70), colour=(220, 60, 40), seed=0):
    """(image, mask): a disc on a plain, slightly noisy background."""
    y, x = np.mgrid[: size[0], : size[1]]
    mask = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    noisy = np.where(mask[..., None], colour, background) + np.random.default_rng(seed).normal(0, 4, (*size, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8), mask


def iou(one, other):
    return (one & other).sum() / (one | other).sum()

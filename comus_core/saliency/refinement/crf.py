"""A fully connected CRF over the pixels of an image (Krähenbühl and Koltun, NeurIPS 2011), by pydensecrf."""

from __future__ import annotations

import numpy as np

from comus_core.config.formulas import CrfSettings
from comus_core.types import RgbImage, SoftMap

LEAST = 1e-5  # a probability below it counts as this: its logarithm is finite


def refine(soft: SoftMap, image: RgbImage, constants: CrfSettings = CrfSettings()) -> SoftMap:
    """A soft map whose borders follow the edges of the image: (h, w) float32 in [0, 1], `image` (h, w, 3) uint8."""
    from pydensecrf import densecrf  # `refiners.check` says how to get it

    height, width = soft.shape
    share = np.clip(soft.astype(np.float64), LEAST, 1 - LEAST)
    field = densecrf.DenseCRF2D(width, height, 2)
    field.setUnaryEnergy(np.ascontiguousarray(-np.log([1 - share.ravel(), share.ravel()]), np.float32))
    field.addPairwiseGaussian(sxy=constants.smooth_width, compat=constants.smooth_weight)
    field.addPairwiseBilateral(
        sxy=constants.colour_width,
        srgb=constants.colour_range,
        rgbim=np.ascontiguousarray(image),
        compat=constants.colour_weight,
    )
    found = np.asarray(field.inference(constants.iterations), np.float32)[1].reshape(height, width)
    return np.asarray(np.clip(found, 0, 1))

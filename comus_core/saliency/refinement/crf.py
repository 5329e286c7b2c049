"""A fully connected CRF over the pixels of an image (Krähenbühl and Koltun, NeurIPS 2011), by pydensecrf."""

from __future__ import annotations

import numpy as np

from comus_core.config.formulas import CrfSettings
from comus_core.types import FloatArray, RgbImage, SoftMap

LEAST = 1e-5  # a probability below it counts as this: its logarithm is finite


def refine(soft: SoftMap, image: RgbImage, constants: CrfSettings = CrfSettings()) -> SoftMap:
    """A soft map whose borders follow the edges of the image: (h, w) float32 in [0, 1], `image` (h, w, 3) uint8."""
    share = np.clip(soft.astype(np.float64), LEAST, 1 - LEAST)
    return np.asarray(refine_shares(np.stack([1 - share, share]), image, constants)[1])


def refine_shares(shares: FloatArray, image: RgbImage, constants: CrfSettings = CrfSettings()) -> FloatArray:
    """Shares of k classes whose borders follow the edges of the image: (k, h, w) float32, `image` (h, w, 3) uint8."""
    from pydensecrf import densecrf  # `refiners.check` and `PredictionSettings` say how to get it

    classes, height, width = shares.shape
    share = np.clip(np.asarray(shares, np.float64), LEAST, 1 - LEAST).reshape(classes, -1)
    field = densecrf.DenseCRF2D(width, height, classes)
    field.setUnaryEnergy(np.ascontiguousarray(-np.log(share), np.float32))
    field.addPairwiseGaussian(sxy=constants.smooth_width, compat=constants.smooth_weight)
    field.addPairwiseBilateral(
        sxy=constants.colour_width,
        srgb=constants.colour_range,
        rgbim=np.ascontiguousarray(image),
        compat=constants.colour_weight,
    )
    found = np.asarray(field.inference(constants.iterations), np.float32).reshape(classes, height, width)
    return np.asarray(np.clip(found, 0, 1))

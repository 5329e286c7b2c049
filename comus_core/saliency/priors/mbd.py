"""`mbd`: minimum barrier salient object detection, the extended version MB+ (Zhang et al., ICCV 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comus_core.config.formulas import MbdSettings
from comus_core.saliency.priors.picture import Picture, scaled
from comus_core.saliency.priors.prior import prior_spec
from comus_core.types import FloatArray, SoftMap

NAME = "mbd"
LARGE = 300  # pixels of the longer side for which `MbdSettings.smoothing` is given
LEAST_WIDTH = 3  # pixels of the smoothing, as in the published code


def mbd_map(picture: Picture) -> SoftMap:
    """How large a change of colour lies on every path to the border, and how unlike the border's colours a pixel is.

    Returns:
        (h, w) float32 in [0, 1], stretched.
    """
    from comus_core.saliency.priors.scans import barrier_distance

    constants = picture.settings.mbd
    colours = _bytes(picture.lab)
    planes = colours.astype(np.float32).transpose(2, 0, 1)
    barrier = np.stack([barrier_distance(plane, constants.passes) for plane in planes]).sum(axis=0)
    both = scaled(barrier) + scaled(backgroundness(colours, constants))
    central = scaled(both * centredness(both.shape))
    width = constants.smoothing * max(central.shape) / LARGE * float(np.sqrt(central.mean()))
    smooth = scaled(smoothed(central, max(round(width), LEAST_WIDTH))) if constants.smoothing else central
    return scaled(contrasted(smooth, constants.contrast))


def backgroundness(colours: NDArray[np.float64], constants: MbdSettings) -> NDArray[np.float64]:
    """(h, w) how far each pixel's colour is from those of three of the four borders (section 4.1).

    Mahalanobis' distance to each border's colours, divided by its maximum; the greatest is left out, as that border
    may hold the object. `colours` are (h, w, 3) in 0…255.
    """
    height, width = colours.shape[:2]
    rows, columns = (max(1, round(constants.margin * size)) for size in (height, width))
    borders = (colours[:rows], colours[-rows:], colours[:, :columns], colours[:, -columns:])
    unlike = np.stack([_scaled_distance(colours, border.reshape(-1, 3), constants) for border in borders])
    return np.asarray(unlike.sum(axis=0) - unlike.max(axis=0))


def centredness(size_hw: tuple[int, ...]) -> NDArray[np.float64]:
    """(h, w) 1 in the centre of the image, 0 in its corners, falling with the distance."""
    y, x = (np.arange(size) - (size - 1) / 2 for size in size_hw)
    distance = np.hypot(y[:, None], x[None])
    return np.asarray(1 - distance / max(float(distance.max()), 1e-9))


def smoothed(plane: SoftMap, width: int) -> SoftMap:
    """Opening, then closing by reconstruction with a square of `width` pixels: small spots go, borders stay."""
    from scipy.ndimage import maximum_filter, minimum_filter

    from comus_core.saliency.priors.scans import reconstruct

    opened = reconstruct(minimum_filter(plane, width), plane)
    return -reconstruct(-maximum_filter(opened, width), -opened)


def contrasted(plane: SoftMap, steepness: float) -> SoftMap:
    """A sigmoid about the middle of the means above and below half of the maximum."""
    bright = plane >= 0.5 * plane.max()
    below = plane[~bright].mean() if not bright.all() else 0.0
    middle = 0.5 * (plane[bright].mean() + below)
    return np.asarray(1 / (1 + np.exp(-steepness * (plane - middle))), np.float32)


def _bytes(lab: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lab in 0…255, as images of 8 bits hold it: the constants of the published code are for it."""
    return lab.astype(np.float64) * (2.55, 1, 1) + (0, 128, 128)


def _scaled_distance(colours: NDArray[np.float64], border: FloatArray, constants: MbdSettings) -> NDArray[np.float64]:
    centred = border - border.mean(axis=0)
    covariance = centred.T @ centred / len(border) + constants.regularisation * np.eye(3)
    away = colours - border.mean(axis=0)
    distance = np.sqrt(np.einsum("hwc,cd,hwd->hw", away, np.linalg.inv(covariance), away, optimize=True))
    return np.asarray(distance / max(float(distance.max()), 1e-9))


SPEC = prior_spec(
    NAME,
    "minimum barrier distance to the border of the image (MB+); learns nothing",
    mbd_map,
    (NAME,),
    seconds=0.02,
)

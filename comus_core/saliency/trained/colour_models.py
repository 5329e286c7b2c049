"""A soft map made to agree with the colours of its image: models of object and background, as in GrabCut.

Colours are counted in a histogram for each (Vicente et al. 2009), weighted by the map; where the colour of a pixel is
more frequent on one side, its odds move there. Both are of that one image: nothing is learned across images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 12  # of each channel
LIGHT, COLOUR = (0.0, 100.0), (-60.0, 60.0)  # CIE Lab that the bins cover; colours beyond fall into the last ones
BLUR = 1.0  # bins: neighbouring colours count for each other
RARE = 1e-6  # added to every frequency, so that an unseen colour says little
DOUBT = 0.02  # added to both sides of the map, so that no pixel is beyond doubt


def agreeing(soft: NDArray[np.float32], pixels: NDArray[np.uint8], weight: float) -> NDArray[np.float32]:
    """The map with odds multiplied by (object's / background's frequency of the colour) ^ weight.

    Args:
        soft: (h, w) in [0, 1].
        pixels: (h, w, 3) RGB.
        weight: of the colours against the map; 0 leaves the map as it is, but for `DOUBT`.

    Returns:
        (h, w) in [0, 1].
    """
    from scipy.ndimage import gaussian_filter

    bins, shares = colour_bins(pixels), soft.astype(np.float64).ravel()

    def frequencies(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        counts = np.bincount(bins, weights, minlength=BINS**3).reshape(BINS, BINS, BINS)
        spread = gaussian_filter(counts, BLUR, mode="constant").ravel()
        return np.asarray(spread / max(float(spread.sum()), 1e-9) + RARE)

    likelihood = np.log(frequencies(shares) / frequencies(1 - shares))[bins]
    odds = np.log((shares + DOUBT) / (1 - shares + DOUBT)) + weight * likelihood
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32).reshape(soft.shape)


def colour_bins(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(h, w, 3) RGB -> (h · w,), the number of the bin of each pixel."""
    from skimage.color import rgb2lab

    lab = rgb2lab(pixels).reshape(-1, 3)
    number = np.zeros(len(lab), np.int64)
    for channel, (low, high) in enumerate((LIGHT, COLOUR, COLOUR)):
        place = ((lab[:, channel] - low) / (high - low) * BINS).astype(np.int64)
        number = number * BINS + np.clip(place, 0, BINS - 1)
    return number

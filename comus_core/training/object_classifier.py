"""What the run's own encoder says an object is: a linear classifier of the core's features.

A segmenter that learns from a few hundred pseudo-masks finds well where an object ends and poorly what it is; the
features that made the clusters know more. A linear softmax over them, learned from the core alone, is the usual probe
of self-supervised features (DINO, section 4.1), here with pseudo-labels for labels. What is around an object tells of
it too: a second, larger crop (`docs/results.md`).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from comus_core.clustering.linear_classifier import LinearClassifier, joint_vectors
from comus_core.features.crops import enlarged_box
from comus_core.features.regions import Describe
from comus_core.types import FloatArray, IntArray, RgbImage

LEAST_AREA = 400  # pixels of the image; what is smaller is no proposal either (method 1.1) and is not classified


def objects_of(image: RgbImage, objects: IntArray, describe: Describe, classifier: LinearClassifier) -> FloatArray:
    """How likely each object of an image is of each category, by itself and, if it was learned so, what is around.

    `image` is (H, W, 3) uint8, `objects` (h, w) integers, 0 for none and 1 … m, at any size of the image; `describe`
    is that of the run's features.

    Returns:
        (m, C) float32; NaN rows for objects of fewer than `LEAST_AREA` pixels of the image.
    """
    size, shape = np.array(image.shape[:2]), np.array(objects.shape)
    scale = size / shape
    boxes = ndimage.find_objects(objects)
    shares = np.full((len(boxes), len(classifier.bias)), np.nan, np.float32)
    areas = np.bincount(objects.ravel(), minlength=len(boxes) + 1)[1:] * scale.prod()
    large = np.flatnonzero(areas >= LEAST_AREA)
    if len(large):
        own = [_enlarged(boxes[k], scale, size) for k in large]
        regions = describe(image)
        vectors = regions.vectors(own, (objects == k + 1 for k in large))
        if classifier.surroundings:
            around = [enlarged_box(box, classifier.surroundings, image.shape[:2]) for box in own]
            vectors = joint_vectors(vectors, regions.vectors(around))
        shares[large] = classifier.probabilities(vectors)
    return shares


def _enlarged(box: tuple[slice, slice], scale: FloatArray, size: IntArray) -> list[int]:
    """x0, y0, x1, y1 at the image's size, holding every pixel that the small box touches."""
    first = np.floor([side.start * s for side, s in zip(box, scale, strict=True)]).astype(int)
    last = np.minimum(np.ceil([side.stop * s for side, s in zip(box, scale, strict=True)]).astype(int), size)
    return [int(first[1]), int(first[0]), int(last[1]), int(last[0])]

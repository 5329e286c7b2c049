"""How long a loaded detector takes for an image that is decoded already."""

from __future__ import annotations

import time
from collections.abc import Sequence

from comus_core.saliency.spec import Detector
from comus_core.types import ImageId, RgbImage

ENOUGH = 10.0  # seconds of measuring after which no further batch is begun


def seconds_an_image(detector: Detector, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> float:
    """Seconds of one image, decoding not counted, in batches of the detector's size, after one image to warm up.

    Args:
        detector: loaded.
        images: decoded, at least one; see `Detector.at_least`.
        image_ids: of these.
    """
    detector.soft_maps(images[:1], image_ids[:1])
    begun, done = time.perf_counter(), 0
    while done < len(images) and (not done or time.perf_counter() - begun < ENOUGH):
        batch = slice(done, done + detector.batch_size)
        done += len(detector.soft_maps(images[batch], image_ids[batch]))
    return (time.perf_counter() - begun) / done

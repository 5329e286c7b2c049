"""An image that is in no run, described as a run's proposals are: the objects in it, and its vectors. Needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comus_core.datasets.decoding import read_rgb
from comus_core.errors import ImageError
from comus_core.features.encoders import own_vectors
from comus_core.proposals.table import Proposals
from comus_core.saliency.detectors import detector_spec
from comus_core.settings import require
from comus_core.stages.learned_detector import learned_in, read_learned
from comus_core.types import IntArray, RgbImage, Vectors
from comus_core.workspace import Run, Workspace

MOST_OBJECTS = 4


@dataclass(frozen=True, eq=False)
class DescribedImage:
    """The objects that a run's detector finds in an image, surest first, and then the whole image.

    Attributes:
        height, width: in pixels.
        boxes: (m + 1, 4) x0, y0, x1, y1 in pixels; the last is that of the whole image.
        vectors: (m + 1, d) raw vectors of the boxes, or of the masks in them, as in the run.
    """

    height: int
    width: int
    boxes: IntArray
    vectors: Vectors

    @property
    def objects(self) -> Vectors:
        """The vectors of its objects, or of the whole image where none was found."""
        return self.vectors[:-1] if len(self.vectors) > 1 else self.vectors


def require_encoder(run: Run) -> None:
    """Raise `SettingsError` for a run on vectors of the user's own: nothing can describe a new image as they do."""
    require(
        not own_vectors(run.config.features.encoder),
        f"run {run.id} has vectors of your own ({run.config.features.encoder}), and a new image has none",
    )


def describe_image(workspace: Workspace, run: Run, file: Path, device: str) -> DescribedImage:
    """Describe an image file by the run's own detector and encoder; nothing is kept of it.

    Raises:
        WorkspaceError: the detector learned from the run's images, and what it learned is not here.
        ImageError: the file cannot be decoded.
        SettingsError: a run on vectors of the user's own.
    """
    from comus_core.features.encoders import load_encoder
    from comus_core.features.regions import describer

    require_encoder(run)
    try:
        image = read_rgb(file)
    except ImageError as error:
        raise ImageError(f"{file.name}: {error}") from None
    height, width = image.shape[:2]
    objects = _objects(workspace, run, image, device)
    found = list(objects.box_xyxy[:MOST_OBJECTS]) if objects is not None else []
    boxes = np.array([*found, np.array([0, 0, width, height])])
    masks = [*(objects.mask(k) for k in range(len(found)) if objects is not None), np.ones((height, width), bool)]
    how = run.config.features
    vectors = np.asarray(
        describer(load_encoder(how.encoder, device, how.precision), how)(image).vectors(list(boxes), masks), np.float32
    )
    return DescribedImage(height, width, boxes, vectors)


def _objects(workspace: Workspace, run: Run, image: RgbImage, device: str) -> Proposals | None:
    """What the run's detector finds, surest first; None by masks of one's own: they know no new image."""
    from comus_core.saliency.detectors import load_detector, object_maps
    from comus_core.saliency.soft_maps import quantise
    from comus_core.saliency.thresholding import find_proposals

    settings = run.config.saliency
    if not detector_spec(settings.detector).finds:
        return None
    learned = learned_in(workspace, run)
    detector = load_detector(settings, device, read_learned(learned) if learned is not None else None)
    (maps,) = object_maps(detector, [image], ["picture"])
    return find_proposals("picture", quantise(maps), (image.shape[0], image.shape[1]), settings)

"""What in a run looks like a picture that is not in it: `comus similar RUN PICTURE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from comus_core.datasets.decoding import read_rgb
from comus_core.errors import ImageError
from comus_core.features.encoders import own_vectors
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.runs.run_view import open_run_view
from comus_core.saliency.detectors import detector_spec
from comus_core.settings import require
from comus_core.types import IntArray, OnProgress, Progress, RgbImage, no_progress
from comus_core.workspace import Run, Workspace

WHOLE = "whole image"
MOST_OBJECTS = 4


def similar(
    run: Run,
    workspace: Workspace,
    settings: SimilarSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """The run's proposals nearest an image: as a whole, and by each object that the run's detector finds in it.

    The image is cropped and encoded as the run's proposals were; nearest is by the cosine of raw vectors. Nothing is
    kept of it.

    Args:
        run: a run with clusters.
        workspace: where the run is.
        settings: the image file, and how many proposals to list for each object in it.
        device: as in `discover`.
        on_progress: as in `discover`.

    Returns:
        `run`, `picture`, `width`, `height` and `parts` [{`what`, `box` [x0, y0, x1, y1] in pixels, `found`
        [{`proposal`, `cosine`}]}], the objects first.

    Raises:
        ImageError: the file cannot be decoded.
        SettingsError: a run on vectors of the user's own.
    """
    from comus_core.device import choose_device
    from comus_core.features import crop_box, load_encoder

    require(
        not own_vectors(run.config.features.encoder),
        f"run {run.id} has vectors of your own ({run.config.features.encoder}), and a new image has none",
    )
    picture = Path(settings.picture).expanduser()
    try:
        image = read_rgb(picture)
    except ImageError as error:
        raise ImageError(f"{picture.name}: {error}") from None
    view, on = open_run_view(workspace, run), choose_device(device)
    on_progress(Progress("similar", 0, 2))
    height, width = image.shape[:2]
    boxes = [*_objects(run, image, on), np.array([0, 0, width, height])]
    on_progress(Progress("similar", 1, 2))
    encoder = load_encoder(run.config.features.encoder, on)
    vectors = encoder.encode([crop_box(image, box) for box in boxes])
    parts = []
    for number, (box, vector) in enumerate(zip(boxes, vectors, strict=True), 1):
        rows, cosines = view.nearest_to(vector, settings.most)
        ids = view.proposals.proposal_id[rows]
        nearest = [{"proposal": str(p), "cosine": round(float(c), 6)} for p, c in zip(ids, cosines, strict=True)]
        what = WHOLE if number == len(boxes) else f"object {number}"
        parts.append({"what": what, "box": [int(v) for v in box], "found": nearest})
    on_progress(Progress("similar", 2, 2))
    return {"run": run.id, "picture": settings.picture, "width": width, "height": height, "parts": parts}


def _objects(run: Run, image: RgbImage, device: str) -> list[IntArray]:
    """Boxes of what the run's detector finds, surest first; none by masks of one's own: they know no new picture."""
    from comus_core.saliency import load_detector
    from comus_core.saliency.soft_maps import quantise
    from comus_core.saliency.thresholding import find_proposals

    settings = run.config.saliency
    if detector_spec(settings.detector).path_kind:
        return []
    (soft,) = load_detector(settings, device).soft_maps([image], ["picture"])
    proposals = find_proposals("picture", quantise(soft), (image.shape[0], image.shape[1]), settings)
    return [np.asarray(box) for box in proposals.box_xyxy[:MOST_OBJECTS]]

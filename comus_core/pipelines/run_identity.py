"""What a run is: its settings, its images and its ground truth, each by content, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core import stages
from comus_core.errors import DatasetError
from comus_core.saliency.own_masks import PREFIX as MASKS_PREFIX
from comus_core.settings import to_dict
from comus_core.stages import StageContext
from comus_core.workspace.artifacts import digest

FILE_PREFIX = "file:"


def run_id(context: StageContext) -> str:
    """The id of the run of these settings on these images with this ground truth."""
    told = [_settings(context), stages.images_key(context).fingerprint, context.truth_fingerprint()]
    return f"run-{digest(told)[:8]}"


def _settings(context: StageContext) -> dict[str, Any]:
    """The settings without paths: what the user brings himself counts by its content."""
    found = {k: v for k, v in to_dict(context.config).items() if k != "dataset"}
    detector, encoder = context.config.saliency.detector, context.config.features.encoder
    if detector.startswith(MASKS_PREFIX):
        found["saliency"] = found["saliency"] | {"detector": MASKS_PREFIX + _own_masks(context, detector)}
    if encoder.startswith(FILE_PREFIX):
        path = Path(encoder.removeprefix(FILE_PREFIX))
        content = context.workspace.hash_files([path])[path][1]
        found["features"] = found["features"] | {"encoder": FILE_PREFIX + (content or str(path))}
    return found


def _own_masks(context: StageContext, detector: str) -> str:
    from comus_core.saliency.masks_folder import MasksFolder

    folder = detector.removeprefix(MASKS_PREFIX)
    try:
        files, _ = MasksFolder(Path(folder)).match([file.image_id for file in context.dataset.files])
    except DatasetError:
        return folder  # the saliency stage, if it is reached, says what is wrong with them
    hashes = context.workspace.hash_files(files.values())
    return digest({image_id: hashes[path][1] for image_id, path in files.items()})

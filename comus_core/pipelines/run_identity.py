"""What a run is: its settings, its images and its ground truth, each by content, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core import stages
from comus_core.errors import DatasetError
from comus_core.features.encoders import ENCODERS
from comus_core.plugins import with_path
from comus_core.saliency.detectors import DETECTORS, detector_spec
from comus_core.settings import to_dict
from comus_core.stages import StageContext
from comus_core.workspace.artifacts import digest

SAID_BY_IMAGES = ("dataset", "exclude", "only")  # the list of the images that are used says it


def run_id(context: StageContext) -> str:
    """The id of the run of these settings on these images with this ground truth."""
    parts = [_settings(context), stages.images_key(context).fingerprint, context.truth_fingerprint()]
    return f"run-{digest(parts)[:8]}"


def _settings(context: StageContext) -> dict[str, Any]:
    """The settings without paths: what the user brings himself counts by its content."""
    config = context.config
    settings = {name: value for name, value in to_dict(config).items() if name not in SAID_BY_IMAGES}
    detector = with_path(DETECTORS, config.saliency.detector, lambda path: _content(context, path))
    encoder = with_path(ENCODERS, config.features.encoder, lambda path: _content(context, path))
    settings["saliency"] |= {"detector": detector}
    settings["features"] |= {"encoder": encoder}
    return settings


def _content(context: StageContext, path: Path) -> str:
    """What stands for a file or folder of the user's own; its path where it cannot be read, which a stage will say."""
    if path.is_file():
        return context.workspace.hash_files([path])[path][1] or str(path)
    own_files = detector_spec(context.config.saliency.detector).own_files
    try:
        files = own_files(path, [file.image_id for file in context.dataset.files]) if own_files else {}
    except DatasetError:
        return str(path)
    hashes = context.workspace.hash_files(files.values())
    return digest({image_id: hashes[file][1] for image_id, file in files.items()}) if files else str(path)

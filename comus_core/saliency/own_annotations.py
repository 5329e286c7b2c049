"""`annotations:FILE`: the masks of a label tool's file instead of a detector; several objects an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comus_core.config import SaliencySettings
from comus_core.errors import DatasetError, SettingsError
from comus_core.imports.given_masks import GivenMasks, content_hash, given_masks, label_files
from comus_core.plugins import split
from comus_core.saliency.spec import Detector, DetectorIdentity, DetectorSpec, HasImageId, ItemCost
from comus_core.types import ImageId

NAME = "annotations"


def given(settings: SaliencySettings, files: Sequence[HasImageId]) -> GivenMasks:
    """The masks of the file for these images.

    Raises:
        SettingsError: the file cannot be read, or no format recognises it.
        DatasetError: it has no object in any of the images; says what it names instead.
    """
    path = _path(settings)
    found = given_masks(path, [(file.image_id, getattr(file, "relative", file.image_id)) for file in files])
    if files and not any(found.has(file.image_id) for file in files):
        why = f": {found.problems[0].line}" if found.problems else ""
        raise DatasetError(f"{NAME}:{path}: no object in any of the {len(files)} images{why}")
    return found


def _identify(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    found = given(settings, files)
    missing = tuple(file.image_id for file in files if not found.has(file.image_id))
    return DetectorIdentity({"detector": NAME}, {}, content_hash(_path(settings)), missing)


def _load(settings: SaliencySettings, device: str) -> Detector:
    raise SettingsError(f"saliency {settings.detector}: a file of masks is of certain images only; choose a detector")


def _path(settings: SaliencySettings) -> Path:
    return Path(split(settings.detector)[1]).expanduser()


def _own_files(path: Path, _: Sequence[ImageId]) -> dict[ImageId, Path]:
    return label_files(path) if path.is_dir() else {}


SPEC = DetectorSpec(
    NAME,
    "the masks of a label tool: COCO, VOC, YOLO, Label Studio, CVAT, labelme or index PNGs",
    _load,
    path_kind="either",
    asks=("Path of your annotations on the server", "a file, folder or zip of a label tool"),
    own_files=_own_files,
    identify=_identify,
    cost=lambda _: ItemCost(NAME, 0.0),
    given=given,
)

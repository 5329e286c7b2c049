"""What the pages keep of `comus saliency`: `detectors/NAME.safetensors` and `maps/DATA/NAME/`. No torch."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from comus_core.datasets.dataset import parse_dataset
from comus_core.datasets.records import slug
from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error
from comus_core.files.own_places import make_own, own_place
from comus_core.person import require_operator
from comus_core.pipelines.image_index import index_key
from comus_core.pipelines.predict_saliency import RESULT
from comus_core.workspace import Workspace

DETECTORS, MAPS = "detectors", "maps"
SUFFIX = ".safetensors"
KEY = re.compile(r"[0-9a-f]{16}")
NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


def new_detector(workspace: Workspace, spec: str) -> Path:
    """The file that a new detector, learned from that data set, goes into; it is not made yet.

    Raises:
        WorkspaceError: nothing can be written in the workspace.
    """
    require_operator()
    address = parse_dataset(spec)
    name = slug(f"{address.root.name if address.root else address.format} {address.split}")
    return _made(own_place(workspace.root, DETECTORS)) / f"{name}-{_now()}{SUFFIX}"


def kept_detectors(workspace: Workspace) -> list[Path]:
    """The detectors that were trained on the pages, the newest first."""
    files = own_place(workspace.root, DETECTORS).glob(f"*{SUFFIX}")
    return sorted(files, key=lambda path: (path.stat().st_mtime, path.name), reverse=True)


def new_maps(workspace: Workspace, spec: str) -> Path:
    """The folder that new soft maps of a data set go into; it is not made yet.

    Raises:
        WorkspaceError: nothing can be written in the workspace.
    """
    require_operator()
    return _made(own_place(workspace.root, MAPS), index_key(spec)) / _now()


def kept_maps(workspace: Workspace, spec: str) -> list[Path]:
    """The folders of soft maps that were written for a data set, the newest first."""
    found = (own_place(workspace.root, MAPS) / index_key(spec)).glob(f"*/{RESULT}")
    return sorted((path.parent for path in found if NAME.fullmatch(path.parent.name)), reverse=True)


def maps_folder(workspace: Workspace, key: str, name: str) -> Path:
    """The folder of soft maps of that name, `key` being the data set's `index_key`.

    Raises:
        WorkspaceError: there is none.
    """
    folder = own_place(workspace.root, MAPS) / key / name
    if not (KEY.fullmatch(key) and NAME.fullmatch(name) and (folder / RESULT).is_file()):
        raise WorkspaceError(f"no soft maps {name[:40]} here: they were deleted; write them again")
    return folder


def zip_maps(folder: Path, file: Path) -> None:
    """Write soft maps and their listing into a zip, below one folder; PNG is packed already."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")


def _made(place: Path, *below: str) -> Path:
    folder = place.joinpath(*below)
    try:
        make_own(place)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    return folder


def _now() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"

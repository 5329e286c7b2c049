"""The files of a data set as a page shows them, listed once: a thumbnail then needs no look at the data set.

Kept in the workspace under a key made from the data set's string, beside the report on its health.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import FORMATS, open_dataset, parse_dataset
from comus_core.datasets.demo.scenes import FOLDER as DEMO
from comus_core.datasets.folder import list_images
from comus_core.datasets.format import FOLDER as PLAIN
from comus_core.datasets.records import Dataset, by_image_id
from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error, write_json
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.workspace import Workspace
from comus_core.workspace.artifacts import digest


@dataclass(frozen=True)
class ImageIndex:
    """The images of a data set, sorted by id.

    Attributes:
        key: of the data set's string.
        root: the folder that paths start from, absolute.
        ids: n ids.
        paths: n paths below `root`.
    """

    key: str
    root: Path
    ids: tuple[str, ...]
    paths: tuple[str, ...]

    def file(self, row: int) -> Path:
        """The file of an image, absolute."""
        return self.root / self.paths[row]


def index_key(spec: str) -> str:
    """Under what name the workspace keeps what it knows of a data set; `spec` has an absolute path."""
    return digest(spec)[:16]


def quick_index(workspace: Workspace, spec: str) -> ImageIndex | None:
    """List a data set that can be listed at once, and keep the list; None for COCO and for a demo not drawn yet.

    Raises:
        DatasetError: there is no such data set, or no image in it.
    """
    address = parse_dataset(spec)
    form = FORMATS[address.format]
    if not form.lists_at_once or (address.root is None and not (workspace.drawings / DEMO).is_dir()):
        return None
    if address.format != PLAIN:
        return keep_index(workspace, spec, open_dataset(spec, workspace.drawings, TruthSettings(read=False)))
    root = Path(spec)
    files = by_image_id(list_images(spec, root).files)
    return _keep(workspace, spec, root, [f.image_id for f in files], [f.relative for f in files])


def keep_index(workspace: Workspace, spec: str, dataset: Dataset) -> ImageIndex:
    """Keep the list of an opened data set's files."""
    return _keep(
        workspace, spec, dataset.root, [f.image_id for f in dataset.files], [f.relative for f in dataset.files]
    )


def read_index(workspace: Workspace, key: str) -> ImageIndex:
    """The list kept under a key.

    Raises:
        WorkspaceError: there is none, or it is damaged.
    """
    path = _file(workspace, key) if key.isalnum() else None
    try:
        kept = json.loads(path.read_text()) if path is not None else None
    except FileNotFoundError:
        kept = None
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{path}: {error}; open the Images page again") from None
    if kept is None:
        raise WorkspaceError(f"no data set {key[:40]} is known here: open it on the Images page")
    return ImageIndex(key, Path(kept["root"]), tuple(kept["ids"]), tuple(kept["paths"]))


def lists_folder(workspace: Workspace) -> Path:
    """Where the workspace keeps lists of data sets' files, and reports on them."""
    return own_place(workspace.root, CACHE) / "images"


def _keep(workspace: Workspace, spec: str, root: Path, ids: Sequence[str], paths: Sequence[str]) -> ImageIndex:
    index = ImageIndex(index_key(spec), root.resolve(), tuple(ids), tuple(paths))
    stored = {"dataset": spec, "root": str(index.root), "ids": list(ids), "paths": list(paths)}
    path = _file(workspace, index.key)
    try:
        make_own(own_place(workspace.root, CACHE))
    except OSError as error:
        raise disk_error(error, path) from error
    text = json.dumps(stored, indent=2, ensure_ascii=False) + "\n"
    if not path.is_file() or path.read_text() != text:  # as it was: nobody's cache has to read it again
        write_json(path, stored)
    return index


def _file(workspace: Workspace, key: str) -> Path:
    return lists_folder(workspace) / f"{key}.files.json"

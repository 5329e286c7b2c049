"""Published data sets listed, downloaded and checked: `comus datasets list|download|check`."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comus_core.datasets import dataset_check
from comus_core.datasets.dataset import absolute
from comus_core.datasets.dataset_check import DatasetCheck
from comus_core.datasets.obtain import obtain
from comus_core.datasets.published import PUBLISHED
from comus_core.datasets.published_state import state_in
from comus_core.errors import ComusError, DatasetError
from comus_core.files.atomic import write_json
from comus_core.files.own_places import CACHE, make_own, own_place
from comus_core.files.stored_json import stored_result
from comus_core.pipelines.dataset_settings import DatasetCheckSettings, DatasetDownloadSettings, DatasetListSettings
from comus_core.pipelines.image_index import index_key, lists_folder
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace


def list_datasets(
    workspace: Workspace,
    settings: DatasetListSettings = DatasetListSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> list[dict[str, Any]]:
    """The published data sets, and what of each is in a folder.

    Returns:
        An entry each: `name`, `what`, `licence`, `needs` (the data set that must be there before, or None), `bytes` to
        download (None where that is not known), `archives` [{`url`, `n_bytes`, `checksum`}], `splits` {name: published
        images}, and `here`, see `PublishedState`, or None without a folder.

    Raises:
        DatasetError: the folder cannot be read.
    """
    folder = None if settings.to_ is None else _folder(settings.to_)
    rows = []
    for one in PUBLISHED.values():
        sizes = [archive.n_bytes for archive in one.archives]
        rows.append(
            {
                "name": one.name,
                "what": one.what,
                "licence": one.licence,
                "needs": one.needs,
                "bytes": None if None in sizes else sum(size for size in sizes if size is not None),
                "archives": [asdict(archive) for archive in one.archives],
                "splits": dict(one.images),
                "here": None if folder is None else state_in(one, folder).to_json(),
            }
        )
    return rows


def download_dataset(
    workspace: Workspace,
    settings: DatasetDownloadSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Bring a published data set to a folder: downloaded with resume, checked, unpacked; see `obtain`.

    `log` is called with what a person should know.

    Returns:
        `name`, `folder`, `specs` (the strings by which its splits are opened), and `state` and `message` of what is in
        the folder now, see `PublishedState`.

    Raises:
        DatasetError: too little disk, no network, a file that is not the published one, or a data set that is needed
            before is not in the folder.
    """
    folder = _folder(settings.to_)
    try:
        specs = obtain(
            settings.name, folder, keep=settings.keep, again=settings.again, log=log, on_progress=on_progress
        )
    except OSError as error:
        raise DatasetError(f"folder {folder}: {error.strerror or error}; choose another") from None
    there = state_in(PUBLISHED[settings.name], folder)
    return {
        "name": settings.name,
        "folder": str(folder),
        "specs": specs,
        "state": there.state,
        "message": there.message,
    }


def check_dataset(
    dataset: str,
    workspace: Workspace,
    settings: DatasetCheckSettings = DatasetCheckSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> DatasetCheck:
    """Check the files of a data set, its counts against the published ones, and its classes.

    What is found is kept in the workspace for the page, if that can be written.

    Raises:
        DatasetError: there is no such data set, its ground truth cannot be read, or it is half unpacked.
    """
    spec, names = absolute(dataset), None if settings.names is None else Path(settings.names).expanduser()
    found = dataset_check.check_dataset(
        spec, workspace.drawings, names, histogram=settings.classes, on_progress=on_progress
    )
    with suppress(OSError, ComusError):  # what was found is told all the same
        make_own(own_place(workspace.root, CACHE))
        kept = found.to_json() | {"lines": found.lines(), "checked_at": time.time()}
        write_json(_check_file(workspace, spec), kept)
    return found


def stored_check(workspace: Workspace, spec: str) -> dict[str, Any] | None:
    """The last check of a data set, with its `lines` and `checked_at`, or None.

    Raises:
        WorkspaceError: its file is damaged.
    """
    path = _check_file(workspace, spec)
    return stored_result(path, ("checked_at", "complete", "lines"), "check the data set again")


def _check_file(workspace: Workspace, spec: str) -> Path:
    return lists_folder(workspace) / f"{index_key(absolute(spec))}.check.json"


def _folder(path: str) -> Path:
    return Path(path).expanduser().resolve()

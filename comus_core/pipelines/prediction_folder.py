"""Predictions kept in the workspace: `predictions/RUN/NAME/` with photographs, masks and what was found. No torch."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from comus_core.datasets.upload_names import keep_names
from comus_core.errors import DatasetError, WorkspaceError
from comus_core.files.atomic import disk_error
from comus_core.files.output_folder import OutputFolder
from comus_core.files.own_places import make_own, own_place
from comus_core.files.uploaded import write_uploads
from comus_core.person import require_operator
from comus_core.workspace import Workspace

FOLDER, PHOTOGRAPHS = "predictions", "photographs"
RESULT, CLASSES = "predictions.json", "classes.txt"
KIND = "predictions"  # of the marker in a folder of them
MOST_FILES = 500  # dropped at once; more belong in a folder on the server
NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


@dataclass(frozen=True)
class StoredPrediction:
    """One prediction: its name, its folder, and what `predictions.json` holds."""

    name: str
    folder: Path

    @cached_property
    def result(self) -> dict[str, Any]:
        """See `predict.predict`.

        Raises:
            WorkspaceError: the file is gone or damaged.
        """
        try:
            return dict(json.loads((self.folder / RESULT).read_text()))
        except (OSError, ValueError) as error:
            raise WorkspaceError(f"prediction {self.name}: {self.folder / RESULT}: {error}; predict again") from None

    @property
    def when(self) -> datetime:
        """When it was asked for, in local time."""
        return datetime.strptime(self.name[:15], "%Y%m%d-%H%M%S")

    def photograph(self, row: int) -> Path:
        """The file of a photograph, absolute."""
        return self.folder / str(self.result["predictions"][row]["photograph"])

    def mask(self, row: int) -> Path:
        """The file of its mask."""
        return self.folder / str(self.result["predictions"][row]["mask"])


def predictions_folder(workspace: Workspace, run_id: str) -> Path:
    """Where the predictions of a run lie."""
    return own_place(workspace.root, FOLDER) / run_id


def new_prediction(workspace: Workspace, run_id: str, files: Iterable[tuple[str, IO[bytes]]]) -> Path:
    """Keep photographs that came from a browser in a fresh folder of the run; returns that folder.

    Of each name only its last part counts, without what no file name holds; two of one name are told apart. What was
    called otherwise is written down in the folder.

    Raises:
        DatasetError: no file, or more than `MOST_FILES`.
        WorkspaceError: the disk is full or not writable.
    """
    require_operator()
    given = list(files)
    if not given:
        raise DatasetError("no image: add some first")
    if len(given) > MOST_FILES:
        raise DatasetError(f"{len(given)} images at once, at most {MOST_FILES}: use `comus predict` with their folder")
    folder = predictions_folder(workspace, run_id) / f"{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
    try:
        make_own(folder.parents[1])
        (folder / PHOTOGRAPHS).mkdir(parents=True)
        OutputFolder(folder, KIND).mark({"run": run_id})
        written = write_uploads(folder / PHOTOGRAPHS, given, "photograph")
        renamed = [(name, f"{PHOTOGRAPHS}/{path.name}") for name, path in written if path.name != name]
        keep_names(folder, renamed)
    except OSError as error:
        raise disk_error(error, folder) from error
    return folder


def predictions_of(workspace: Workspace, run_id: str) -> list[StoredPrediction]:
    """The finished predictions of a run, newest first."""
    found = predictions_folder(workspace, run_id).glob(f"*/{RESULT}")
    stored = [StoredPrediction(path.parent.name, path.parent) for path in found if NAME.fullmatch(path.parent.name)]
    return sorted(stored, key=lambda prediction: prediction.name, reverse=True)


def stored_prediction(workspace: Workspace, run_id: str, name: str) -> StoredPrediction:
    """The finished prediction of that name.

    Raises:
        WorkspaceError: the run has none.
    """
    folder = predictions_folder(workspace, workspace.runs.get(run_id).id) / name
    if not NAME.fullmatch(name) or not (folder / RESULT).is_file():
        raise WorkspaceError(f"run {run_id} has no prediction {name[:40]}")
    return StoredPrediction(name, folder)


def delete_prediction(workspace: Workspace, run_id: str, name: str) -> None:
    """Remove a prediction's photographs and masks.

    Raises:
        WorkspaceError: there is none, or it cannot be removed.
    """
    require_operator()
    folder = stored_prediction(workspace, run_id, name).folder
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise disk_error(error, folder) from error


def zipped(prediction: StoredPrediction) -> bytes:
    """A zip of the index masks, the class names and what was found; without the photographs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (RESULT, CLASSES):
            archive.write(prediction.folder / name, name)
        for row in prediction.result["predictions"]:  # PNG is packed already
            archive.write(prediction.folder / row["mask"], row["mask"], zipfile.ZIP_STORED)
    return file.getvalue()

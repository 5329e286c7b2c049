"""Published data sets: what of each is in a folder, and the jobs that download and check them. No Streamlit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.forms import verb_form
from comus_core import jobs
from comus_core.datasets.allowed_folders import allowed, allowed_dataset, image_roots
from comus_core.datasets.obtain import was_obtained
from comus_core.errors import DatasetError
from comus_core.files.atomic import disk_error
from comus_core.files.own_places import is_own, make_own
from comus_core.jobs import Job
from comus_core.person import require_operator
from comus_core.pipelines.dataset_settings import DatasetCheckSettings, DatasetDownloadSettings, DatasetListSettings
from comus_core.pipelines.paper_tables.table_data import ROOT_VARIABLE
from comus_core.pipelines.published_datasets import list_datasets
from comus_core.text import size
from comus_core.workspace import Workspace

DOWNLOAD, CHECK = "datasets-download", "datasets-check"
BESIDE = "published"  # in the workspace, beside the drawn scenes of the demo


def first_folder(workspace: Workspace, roots: Sequence[Path]) -> str:
    """The folder at first: of the last download, else of the paper's data sets, else one of the workspace."""
    last = next((job.settings.get("to_") for job in jobs.list_jobs(workspace) if job.kind == DOWNLOAD), None)
    for place in filter(None, (last, os.environ.get(ROOT_VARIABLE))):
        try:
            return str(allowed(str(place), roots))
        except DatasetError:  # a command may download anywhere, the pages read what is allowed
            continue
    return _own(workspace)


def rows(workspace: Workspace, folder: Path) -> list[dict[str, Any]]:
    """What `comus datasets list --to FOLDER` tells.

    Raises:
        DatasetError: the folder cannot be read.
    """
    return list_datasets(workspace, DatasetListSettings(str(folder)))


def facts(row: Mapping[str, Any]) -> str:
    """Size, terms, and what must be there before."""
    total = f"{size(row['bytes'])} to download" if row["bytes"] is not None else "size not known before the download"
    return f"{total} · {row['licence']}" + (f" · needs {row['needs']}" if row["needs"] else "")


def downloading(workspace: Workspace, name: str, folder: Path) -> Job | None:
    """The newest download of a data set to a folder, or None."""
    return next(
        (
            job
            for job in jobs.list_jobs(workspace)
            if job.kind == DOWNLOAD and job.settings.get("name") == name and _is(job.settings.get("to_"), folder)
        ),
        None,
    )


def download_settings(row: Mapping[str, Any], folder: Path) -> DatasetDownloadSettings:
    """What a download is asked for; where it was brought before and is not complete, it comes again."""
    gone = row["here"]["state"] != "complete" and was_obtained(row["name"], folder)
    return DatasetDownloadSettings(row["name"], str(folder), again=gone)


def start_download(workspace: Workspace, settings: DatasetDownloadSettings) -> Job:
    """Queue a download, or give the job that is at the very same already.

    Raises:
        ComusError: the folder cannot be made, the supervisor does not start, or who acts here may only look.
    """
    require_operator()
    if Path(settings.to_).is_relative_to(workspace.drawings) and not is_own(workspace.drawings):
        try:
            make_own(workspace.drawings)
        except OSError as error:
            raise disk_error(error, workspace.drawings) from error
    return verb_form.submit_verb(workspace, DOWNLOAD, None, settings)


def start_check(workspace: Workspace, spec: str) -> Job:
    """Queue a check.

    Raises:
        ComusError: links lead the data set out of the folders that may be read, or the supervisor does not start.
    """
    inside = allowed_dataset(spec, image_roots(workspace.root))
    return verb_form.submit_verb(workspace, CHECK, inside, DatasetCheckSettings())


def last_check(workspace: Workspace, specs: Sequence[str]) -> Job | None:
    """The newest check of one of these data sets, or None."""
    return verb_form.last_job(workspace, CHECK, *specs)


def commands(workspace: Workspace, settings: DatasetDownloadSettings, spec: str) -> str:
    """The commands that do the same; without a `spec`, only the download."""
    lines = [verb_form.command(workspace, DOWNLOAD, None, settings)]
    lines += [verb_form.command(workspace, CHECK, spec, DatasetCheckSettings())] if spec else []
    return "\n".join(lines)


def _own(workspace: Workspace) -> str:
    return str(workspace.drawings / BESIDE)


def _is(place: Any, folder: Path) -> bool:
    return bool(place) and Path(str(place)).expanduser().resolve() == folder

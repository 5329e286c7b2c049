"""The verbs on published data sets: list, download, check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comus_core.datasets.published import published
from comus_core.pipelines.dataset_settings import DatasetCheckSettings, DatasetDownloadSettings, DatasetListSettings
from comus_core.text import counted, size
from comus_core.verbs import job_words
from comus_core.verbs.verb import Stage, Verb

STEPS = {"download": "Download", "checksum": "Checksum", "unpacking": "Unpacking"}  # stages of an archive
STATES = {"absent": "not there", "partial": "in part", "half": "not complete", "complete": "complete"}


def _list_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        total = f"{size(row['bytes'])} to download" if row["bytes"] is not None else "size not known here"
        lines.append(f"{row['name']}: {row['what']}")
        lines.append(f"  {total}; {row['licence']}" + (f"; needs {row['needs']}" if row["needs"] else ""))
        if (here := row["here"]) is not None:
            lines.append(f"  {STATES[here['state']]}" + (f": {here['message']}" if here["message"] else ""))
        for archive in row["archives"]:
            proof = " ".join(archive["checksum"]) if archive["checksum"] else "checksum not known here"
            lines += [f"  {archive['url']}", f"    {proof}"]
    return lines


def _download_stages(_: Any, settings: DatasetDownloadSettings) -> tuple[Stage, ...]:
    wanted = published(settings.name)
    several = len(wanted.archives) > 1
    steps = tuple(
        Stage(f"{step} {archive.filename}", f"{words} {archive.filename}" if several else words)
        for archive in wanted.archives
        for step, words in STEPS.items()
    )
    return (*steps, Stage("masks", "Masks")) if wanted.source is not None else steps


def _download_outcome(result: Mapping[str, Any], _: Any) -> str:
    return f"{result['name']} in {result['folder']}: {STATES[result['state']]}"


def _check_outcome(found: Mapping[str, Any], _: Any) -> str:
    official = f" of {found['official']:,}" if found["official"] is not None else ""
    words = f"{counted(found['images'], 'image')}{official}, {found['labelled']:,} with ground truth"
    return words if found["complete"] else f"{words}; not complete"


DATASETS = (
    Verb(
        name="datasets-list",
        command="datasets list",
        subject="workspace",
        settings=DatasetListSettings,
        function="list_datasets",
        phrase=lambda _, __: "list of data sets",
        lines=_list_lines,
    ),
    Verb(
        name="datasets-download",
        command="datasets download",
        subject="workspace",
        settings=DatasetDownloadSettings,
        function="download_dataset",
        phrase=lambda _, settings: f"download of {settings.name}",
        title=lambda _, settings: settings.name,
        arguments=("name",),
        is_job=True,
        stages=_download_stages,
        observers=("log",),
        lines=lambda result: result["specs"],
        outcome=_download_outcome,
    ),
    Verb(
        name="datasets-check",
        command="datasets check",
        subject="dataset",
        settings=DatasetCheckSettings,
        function="check_dataset",
        phrase=lambda _, __: "check of a data set",
        title=lambda spec, _: job_words.dataset_words(spec),
        is_job=True,
        stages=lambda _, __: (Stage("", "Masks"),),
        lines=lambda found: found.lines(),
        outcome=_check_outcome,
    ),
)

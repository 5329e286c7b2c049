"""A comparison of encoders as it is kept in the workspace, and the names in it. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comus_core.features.encoders import ENCODERS, full_name
from comus_core.files.stored_json import stored_result
from comus_core.pipelines.image_index import index_key, lists_folder
from comus_core.plugins import split, with_path
from comus_core.settings import require
from comus_core.workspace import Run, Workspace

LIMIT = (
    "The silhouette tells good features from bad ones, but does not rank those that are alike: small differences say "
    "nothing."
)


def chosen_encoders(names: Sequence[str]) -> list[str]:
    """The encoders to compare with full names and absolute paths, each once.

    Raises:
        SettingsError: an unknown encoder; lists those there are. Or `auto`, which is none in particular.
    """
    require("auto" not in names, "encoder auto: name the encoders to compare; `comus parts` lists them")
    return list(dict.fromkeys(full_name(with_path(ENCODERS, name, Path.resolve)) for name in names))


def short_name(encoder: str) -> str:
    """An encoder for a narrow column: of a path the file's name alone."""
    name, path = split(encoder)
    return path.replace("\\", "/").rpartition("/")[2] if path else name


def stage_of(encoder: str) -> str:
    """What the progress of an encoder is called."""
    return f"vectors of {short_name(encoder)}"


def comparison_file(workspace: Workspace, subject: Run | str) -> Path:
    """The file of the comparison on a run, or on a data set whose string has an absolute path."""
    key = index_key(f"run:{subject.id}" if isinstance(subject, Run) else subject)
    return lists_folder(workspace) / f"{key}.encoders.json"


def stored_comparison(workspace: Workspace, subject: Run | str) -> dict[str, Any] | None:
    """The encoders as they were last compared on a run or a data set, or None.

    Raises:
        WorkspaceError: its file is damaged.
    """
    path = comparison_file(workspace, subject)
    return stored_result(path, ("compared_at", "encoders", "truth"), "compare the encoders again")


def ranked(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows by falling silhouette; those without one, and those that cannot be used here, last as they were named."""
    return [dict(row) for row in sorted(rows, key=lambda row: -2.0 if _of(row) is None else _of(row), reverse=True)]


def compared(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of the encoders that could be used here, the best first."""
    return [row for row in result["encoders"] if row["reason"] is None]


def _of(row: Mapping[str, Any]) -> Any:
    return row.get("silhouette")

"""The verbs that decide on the clusters of a run, and those that bring names out and in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comus_core.files.output_file import writable_file
from comus_core.pipelines import edit_settings
from comus_core.verbs.verb import Verb


def _check_names(settings: Any) -> None:
    writable_file(Path(settings.csv).expanduser(), force=settings.force)


def _edit(name: str, settings: type, function: str, *arguments: str) -> Verb:
    """A decision on the clusters of a run."""
    return Verb(
        name=name,
        command=f"clusters {name}",
        subject="run",
        settings=settings,
        function=function,
        phrase=lambda _, __: name.replace("-", " "),
        arguments=arguments,
        lines=lambda edit: [edit.line()],
    )


_DECISIONS = (
    _edit("rename", edit_settings.RenameSettings, "rename_cluster", "cluster", "name"),
    _edit("reset-name", edit_settings.ResetNameSettings, "reset_cluster_name", "cluster"),
    _edit("merge", edit_settings.MergeSettings, "merge_clusters", "clusters"),
    _edit("split", edit_settings.SplitSettings, "split_cluster", "cluster"),
    _edit("reject", edit_settings.RejectSettings, "reject_clusters", "clusters"),
    _edit("restore", edit_settings.RestoreSettings, "restore_clusters", "clusters"),
    _edit("move", edit_settings.MoveSettings, "move_proposals", "proposals"),
    _edit("new", edit_settings.CreateSettings, "create_category", "name", "proposals"),
    _edit("accept", edit_settings.AcceptSettings, "accept_proposals", "proposals"),
    _edit("erase", edit_settings.EraseSettings, "erase_proposals", "proposals"),
    _edit("put-back", edit_settings.PutBackSettings, "put_back_proposals", "proposals"),
    _edit("exclude", edit_settings.ExcludeSettings, "exclude_images", "images"),
    _edit("include", edit_settings.IncludeSettings, "include_images", "images"),
    _edit("redraw", edit_settings.RedrawSettings, "redraw_mask", "proposal"),
    _edit("draw", edit_settings.DrawSettings, "draw_object", "image"),
    _edit("separate", edit_settings.SeparateSettings, "separate_objects", "proposal"),
    _edit("filter", edit_settings.FilterSettings, "set_filter", "percent"),
    _edit("undo", edit_settings.UndoSettings, "undo_decision"),
    _edit("redo", edit_settings.RedoSettings, "redo_decision"),
)

_NAMES = (
    Verb(
        name="export-names",
        command="clusters names",
        subject="run",
        settings=edit_settings.ExportNamesSettings,
        function="export_names",
        phrase=lambda _, __: "export of names",
        check=_check_names,
        lines=lambda exported: exported.lines(),
    ),
    Verb(
        name="import-names",
        command="clusters names",
        subject="run",
        settings=edit_settings.ImportNamesSettings,
        function="import_names",
        phrase=lambda _, __: "import of names",
        lines=lambda imported: imported.lines(),
    ),
)

EDITS = (*_DECISIONS, *_NAMES)

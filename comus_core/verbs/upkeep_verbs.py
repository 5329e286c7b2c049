"""The verbs that keep a workspace in order."""

from __future__ import annotations

from comus_core.pipelines import verb_settings
from comus_core.verbs import result_lines
from comus_core.verbs.verb import Verb

UPKEEP = (
    Verb(
        name="relink",
        command="runs relink",
        subject="run",
        settings=verb_settings.RelinkSettings,
        phrase=lambda _, __: "new folder of a run",
        arguments=("folder",),
        lines=lambda relinked: relinked.lines(),
    ),
    Verb(
        name="delete",
        command="runs delete",
        subject="run",
        settings=verb_settings.DeleteSettings,
        phrase=lambda _, __: "deletion of a run",
        lines=lambda deletion: [deletion.words()],
    ),
    Verb(
        name="clean",
        subject="workspace",
        settings=verb_settings.CleanSettings,
        phrase=lambda _, __: "clean-up",
        lines=result_lines.clean_lines,
    ),
    Verb(
        name="verify",
        subject="workspace",
        settings=verb_settings.VerifySettings,
        phrase=lambda _, __: "check of the artifacts",
        lines=result_lines.verify_lines,
    ),
    Verb(
        name="disk",
        subject="workspace",
        settings=verb_settings.DiskSettings,
        function="disk_use",
        phrase=lambda _, __: "disk use",
        lines=result_lines.disk_lines,
    ),
)

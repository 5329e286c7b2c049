"""Estimate the number of clusters of a finished run; the curves are kept with the run."""

from __future__ import annotations

from dataclasses import replace

from comus_core.clustering.curves import HowMany
from comus_core.pipelines.verb_settings import HowManySettings
from comus_core.runs import artifact_readers as tables
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace


def how_many(
    run: Run,
    workspace: Workspace,
    settings: HowManySettings = HowManySettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> HowMany:
    """The curves over a run's features, each with its suggestion.

    They are computed on the processor, whatever the device, and kept in the workspace.

    Raises:
        WorkspaceError: the run has no features yet.
    """
    from comus_core.stages.clusters import how_many_work

    run.require_writable()

    def tick(done: int, total: int) -> None:
        on_progress(Progress("clustering", done, total))

    key, write = how_many_work(workspace.artifact(run, "features"), run.config, tick, settings.most, settings.curves)
    artifact = workspace.artifacts.make(key, write)
    curves = {"how_many": artifact.fingerprint}
    workspace.runs.update(run.id, lambda known: replace(known, artifacts=known.artifacts | curves))
    return tables.read_how_many(artifact)


def stored_how_many(workspace: Workspace, run: Run) -> HowMany | None:
    """The curves that the run has, or None; computes nothing."""
    artifact = workspace.artifacts.find("how_many", run.artifacts.get("how_many", ""))
    return None if artifact is None else tables.read_how_many(artifact)

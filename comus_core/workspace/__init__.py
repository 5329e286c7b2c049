"""Runs and artifacts on disk: SQLite for what is small, files for what is large."""

from comus_core.workspace.artifacts import Artifact, ArtifactKey
from comus_core.workspace.runs import Run
from comus_core.workspace.workspace import Workspace, open_workspace

__all__ = ["Artifact", "ArtifactKey", "Run", "Workspace", "open_workspace"]

"""Every fault a user can meet. Each message says what is wrong, with which file or value, and what to do."""

from pathlib import Path


class ComusError(Exception):
    """The family of all expected faults: shown as one sentence, never as a traceback."""


class SettingsError(ComusError):
    """A setting has a value that cannot work."""


class DatasetError(ComusError):
    """A dataset string, folder, split or annotation file cannot be used."""


class ImageError(ComusError):
    """One image file cannot be used; the run sets it aside and goes on."""


class WeightsError(ComusError):
    """Pretrained weights are missing, damaged, or do not fit the architecture."""


class WorkspaceError(ComusError):
    """The workspace, a run or an artifact cannot be found, read or written."""


class DiskFullError(WorkspaceError):
    """A disk is full; `comus clean` works all the same.

    Attributes:
        path: what could not be written.
    """

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class ConflictError(WorkspaceError):
    """Someone else decided on the same thing meanwhile; nothing is lost, and nothing of this is written."""


class Cancelled(ComusError):
    """The user asked to stop; what is finished is kept."""

"""Every expected error. Its message says what is wrong, with which file or value, and what to do."""

from pathlib import Path


class ComusError(Exception):
    """Base of all expected errors: shown as one sentence, never as a traceback."""


class SettingsError(ComusError):
    """A setting has an invalid value."""


class CompilationError(SettingsError):
    """A setting asks for a network compiled by torch, which cannot compile on this machine."""


class DatasetError(ComusError):
    """A dataset string, folder, split or annotation file cannot be used."""


class ImageError(ComusError):
    """One image file cannot be used; the run skips it."""


class WeightsError(ComusError):
    """Pretrained weights are missing, damaged, or do not fit the architecture."""


class WorkspaceError(ComusError):
    """The workspace, a run or an artifact cannot be found, read or written."""


class DiskFullError(WorkspaceError):
    """A disk is full; `comus clean` still works.

    Attributes:
        path: the file or folder that could not be written.
    """

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class ConflictError(WorkspaceError):
    """Someone else has changed the same thing in the meantime; this change is not saved."""


class NotAllowedError(WorkspaceError):
    """The person who is logged in may look, but not change anything."""


class ComputeError(ComusError):
    """Work cannot be spread over processes or machines, or was lost there again and again."""


class Cancelled(ComusError):
    """The user cancelled; finished results are kept."""

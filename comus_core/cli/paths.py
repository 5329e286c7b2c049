"""Types of the options that name what a command writes: looked at before its work begins."""

from __future__ import annotations

from pathlib import Path

from comus_core.output_file import writable_file, writable_folder


def output_file(text: str) -> Path:
    """A file to write.

    Raises:
        SettingsError: it cannot be written there.
    """
    return writable_file(Path(text).expanduser())


def output_file_or_dash(text: str) -> Path:
    """A file to write, or `-` for standard output.

    Raises:
        SettingsError: it cannot be written there.
    """
    return Path(text) if text == "-" else output_file(text)


def output_folder(text: str) -> Path:
    """A folder to write in.

    Raises:
        SettingsError: nothing can be written there.
    """
    return writable_folder(Path(text).expanduser())

"""Options that name what a command writes: looked at before its work begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from comus_core.files.output_file import OutputFile, writable_file

FC = TypeVar("FC", bound=Callable[..., object] | click.Command)
FORCED = "comus.force"  # in the context of a command: whether it was given --force


def note_force(context: click.Context, _: click.Parameter, value: bool) -> bool:
    """Let the types below know of `--force`; the callback of that option, which must be eager."""
    context.meta[FORCED] = value
    return value


def with_force(option: Callable[[FC], FC]) -> Callable[[FC], FC]:
    """An option that names a file to write, and `--force` beside it."""
    force = click.option(
        "--force",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=note_force,
        help="Replace a file of yours that is there; without it, only a result of this program's is replaced.",
    )
    return lambda command: option(force(command))


def output_file(text: str) -> OutputFile:
    """A file to write.

    Raises:
        SettingsError: it cannot be written there.
    """
    forced = _is_forced()
    return OutputFile(writable_file(Path(text).expanduser(), force=forced), forced)


def output_file_or_dash(text: str) -> OutputFile:
    """A file to write, or `-` for standard output.

    Raises:
        SettingsError: it cannot be written there.
    """
    return OutputFile(Path(text)) if text == "-" else output_file(text)


def say_replaced(file: OutputFile, replaced: bool) -> None:
    """Say that `--force` had a file replaced that this program did not write."""
    if replaced:
        click.echo(f"replaced {file}, which this program had not written", err=True)


def _is_forced() -> bool:
    return bool(click.get_current_context().meta.get(FORCED, False))

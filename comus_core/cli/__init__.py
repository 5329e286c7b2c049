"""The `comus` command: every verb the interface has, through the same functions."""

from comus_core.cli.main import main

__all__ = ["main"]

"""`comus evaluate`: a run, or a trained round of it, scored on another data set."""

from __future__ import annotations

from comus_core.cli.tables import print_result
from comus_core.cli.verb_command import Call, verb_command


def show(call: Call) -> None:
    """Score, and print the table of the classes."""
    result = call.result()
    if result is not None:
        print_result(call.workspace, call.subject.run, result)


evaluate = verb_command("evaluate", show)

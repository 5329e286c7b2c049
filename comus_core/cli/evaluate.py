"""`comus evaluate`: a run, or a trained round of it, scored by a protocol."""

from __future__ import annotations

from comus_core.cli.tables import print_result
from comus_core.cli.verb_command import Call, verb_command
from comus_core.verbs.result_lines import protocol_lines


def show(call: Call) -> None:
    """Score, and print the table of the classes, the protocol and the quality of the clusters."""
    result = call.result()
    if result is not None:
        print_result(call.workspace, call.subject.run, result)
        for line in protocol_lines(result):
            call.say(line)


evaluate = verb_command("evaluate", show)

"""`comus how-many`: the curves of the number of clusters, and what they suggest."""

from __future__ import annotations

from comus_core.cli.terminal import bar, mark
from comus_core.cli.verb_command import Call, verb_command
from comus_core.clustering.curves import Curve

BAR = 40  # characters of the longest


def show(call: Call) -> None:
    """Compute the curves, and print each suggestion and the first curve."""
    result = call.result()
    if result is None:
        return
    for line in [*call.verb.lines(result), *(bars(result.curves[0]) if result.curves else [])]:
        call.say(line)


def bars(curve: Curve) -> list[str]:
    """The curve as lines of text, the suggestion marked."""
    pairs = zip(curve.x.tolist(), curve.value.tolist(), strict=True)
    return [
        f"{k:>6g} {value:6.2f} {bar(round(BAR * max(value, 0)))}{mark() * (k == curve.suggestion)}"
        for k, value in pairs
    ]


how_many = verb_command("how-many", show)

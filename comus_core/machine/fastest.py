"""Which of several ways to compute the same is the fastest on this machine, among those that are faithful."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from comus_core.errors import ComusError

SECONDS = 2.0  # of measuring, the first run of each way not counted
MARGIN = 1.1  # what is not a tenth faster than the first way is not worth other last bits

Run = Callable[[], Any]


@dataclass(frozen=True)
class Trial:
    """One way, tried.

    Attributes:
        name: of the way.
        seconds: of an item, in the fastest turn; None where it was left out.
        fidelity: to the first way, 1 for its own; None where it was left out.
        reason: why it was left out, or empty.
    """

    name: str
    seconds: float | None = None
    fidelity: float | None = None
    reason: str = ""


def tried(
    ways: Mapping[str, Callable[[], Run]],
    items: int,
    fidelity: Callable[[Any, Any], float],
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Trial]:
    """Time all ways in turns; one that cannot be had is left out, with the reason.

    Args:
        ways: name -> what makes it ready. Run, each gives its results of the same items. The first is the reference.
        items: that one run computes.
        fidelity: results of the first way and of another -> how alike they are, 1 for the same.
        seconds: after which no further turn is begun; each way has one.
        clock: seconds of now.

    Raises:
        ComusError: the first way cannot be had.
    """
    runs, trials = dict[str, Run](), dict[str, Trial]()
    reference: Any = None
    for name, ready in ways.items():
        try:
            run = ready()
            result = run()  # not timed: memory and kernels are made ready in it
        except (ComusError, RuntimeError, ImportError, OSError) as error:  # RuntimeError: whatever torch raises
            if not trials:
                raise
            trials[name] = Trial(name, reason=_first_line(error))
            continue
        reference = result if not trials else reference
        runs[name], trials[name] = run, Trial(name, float("inf"), fidelity(reference, result))
    begun = clock()
    while True:
        for name, run in runs.items():
            start = clock()
            run()
            best = min(trials[name].seconds or 0.0, (clock() - start) / items)
            trials[name] = replace(trials[name], seconds=best)
        if clock() - begun >= seconds:
            return list(trials.values())


def fastest(trials: Sequence[Trial], least: float) -> Trial:
    """The fastest trial whose fidelity is `least` or more; the first where none is faster by `MARGIN`."""
    first = trials[0]
    faithful = [t for t in trials if t.seconds is not None and t.fidelity is not None and t.fidelity >= least]
    best = min(faithful, key=lambda trial: trial.seconds or 0.0, default=first)
    return best if (first.seconds or 0.0) >= MARGIN * (best.seconds or 0.0) else first


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)

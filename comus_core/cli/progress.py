"""Progress of the stages: bars with ETA on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

from comus_core.text import duration
from comus_core.types import Progress

LINE_EVERY = 10.0  # seconds between plain lines of one stage


class ProgressPrinter:
    """An observer for `discover`; call `close` when the run has ended."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._stage, self._start, self._first, self._printed, self._shown = "", 0.0, 0, 0.0, -1

    def __call__(self, progress: Progress) -> None:
        """Show one step."""
        if progress.stage != self._stage:
            self._begin(progress)
        if self._terminal:
            self._bar.update(progress.step - self._bar.n)
        elif self._due(progress):
            self._printed, self._shown = time.monotonic(), progress.step
            print(plain_line(progress, self._first, time.monotonic() - self._start), file=sys.stderr, flush=True)

    def close(self) -> None:
        """Finish the bar that is drawn."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._stage = ""

    def _due(self, progress: Progress) -> bool:
        ended = progress.step == progress.total != self._shown
        return ended or time.monotonic() - self._printed >= LINE_EVERY

    def _begin(self, progress: Progress) -> None:
        self.close()
        self._stage, self._first = progress.stage, progress.step
        self._start, self._printed, self._shown = time.monotonic(), 0.0, -1
        if self._terminal:
            self._bar = tqdm(total=progress.total, initial=progress.step, desc=progress.stage, unit=" images")


def plain_line(progress: Progress, first: int, elapsed: float) -> str:
    """One line of progress; `first` is the step at which this invocation began, `elapsed` its seconds."""
    line = f"{progress.stage}: {progress.step}/{progress.total}"
    done, left = progress.step - first, progress.total - progress.step
    return f"{line}, {duration(elapsed * left / done)} left" if done > 0 and left > 0 else line

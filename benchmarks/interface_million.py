"""The map at 1,000,000 proposals: how long it takes to appear, to answer a lasso, and what the server then holds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.browsing import app_on, open_map, opened, rest, two_lassos
from benchmarks.large_run import large_run
from benchmarks.report import Report

MILLION = 1_000_000
LASSO = 2.5  # seconds from letting go of the mouse to the gallery


def at_a_million(report: Report, browser: Any, folder: Path) -> None:
    """Measure it on a run of its own, with a server that has nothing open."""
    workspace, run = large_run(folder / "million", MILLION)
    sent: list[int] = []
    at, budget = f"at {MILLION:,} points", LASSO
    with app_on(workspace, folder) as server:
        with opened(browser, sent) as page:
            report.add("million_map_seconds", open_map(page, server, run), f"map visible {at}, not opened before", "s")
        with opened(browser, sent) as page:
            report.add("million_map_again_seconds", open_map(page, server, run), f"map visible {at}, held open", "s")
            first, again = two_lassos(page, MILLION, sent)
            report.add("million_lasso_drawing_seconds", again.drawing, f"lasso {at}: while the mouse is down", "s")
            report.add("million_lasso_first_seconds", first.answer, f"lasso to gallery {at}, first time", "s", budget)
            report.add("million_lasso_seconds", again.answer, f"lasso to gallery {at}", "s", budget)
            report.add("million_lasso_kilobytes", max(first.sent, again.sent) / 1000, f"lasso {at}: sent up", "kB", 50)
            rest(page)
        time.sleep(2)
        report.add("million_idle_memory_mib", server.memory(), f"memory at rest {at}", "MiB")

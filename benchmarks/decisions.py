"""What one decision more costs on a log of 1,000, 4,000 and 100,000, against a plain walk of the whole log.

`python -m benchmarks.decisions [--quick] [--json FILE]`. Every size runs in a process of its own, so that peak memory
is its own. Seven of ten decisions are about single proposals, the rest rename, filter, merge, split, undo and redo.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import Report, arguments
from comus_core.errors import SettingsError
from comus_core.workspace import open_workspace
from comus_core.workspace.decision_log import DecisionLog
from comus_core.workspace.decisions import replay
from comus_core.workspace.layout import packed

QUICK, FULL = [1_000, 4_000], [1_000, 4_000, 100_000]
PROPOSALS, CLUSTERS, SPLIT = 150_000, 80, 40
TIMED = 200  # decisions whose cost is measured, one by one
EACH_MOST, MEMORY_MOST = 50.0, 100.0  # ms, MB
RUN = ("run", "clustering")
Decision = tuple[str, dict[str, Any]]


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--one", type=int, metavar="N", help="one size in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(_measured(options.one)))
        return
    report = Report(f"One decision more, {PROPOSALS:,} proposals in {CLUSTERS} clusters")
    sizes = QUICK if options.quick else FULL
    for n in sizes:
        found = _in_a_process_of_its_own(n)
        report.add(f"{n}.each", found["each"], f"{n:,}: one decision more, mean", "ms", EACH_MOST)
        report.add(f"{n}.worst", found["worst"], f"{n:,}: the dearest of {TIMED}", "ms", EACH_MOST)
        report.add(f"{n}.first", found["first"], f"{n:,}: the first of a process that begins", "ms", EACH_MOST)
        report.add(f"{n}.way_back", found["way_back"], f"{n:,}: what can be undone and redone", "ms", EACH_MOST)
        report.add(f"{n}.memory", found["memory"], f"{n:,}: peak memory above that of the imports", "MB", MEMORY_MOST)
        report.add(f"{n}.peak", found["peak"], f"{n:,}: peak memory of the process", "MB")
        report.add(f"{n}.plain", found["plain"], f"{n:,}: plain walk of the whole log", "ms")
        report.add(f"{n}.times", found["plain"] / found["each"], f"{n:,}: plain walk over ours", "x")
        print()
    largest = sizes[-1]
    report.add("ratio", report.figures[f"{largest}.times"], f"ratio: plain walk over ours at {largest:,}", "x")
    report.write(options.json)


def _in_a_process_of_its_own(n: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.decisions", "--one", str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measured(n: int) -> dict[str, float]:
    """CPU milliseconds and megabytes on a log of n decisions."""
    with tempfile.TemporaryDirectory() as folder:
        log, rng = open_workspace(Path(folder)).decisions, random.Random(0)
        before = _peak()
        _fill(log, n, rng)
        costs = []
        while len(costs) < TIMED:
            kind, payload = _decision(rng, log)
            try:
                costs.append(_cpu_ms(lambda kind=kind, payload=payload: log.append(*RUN, kind, **payload)))  # type: ignore[misc]
            except SettingsError:
                continue  # nothing to redo, or a category that is merged away
        way_back = _cpu_ms(lambda: log.undo_state(*RUN))
        peak = _peak()
        own = DecisionLog(log.database)
        first = _cpu_ms(lambda: own.append(*RUN, "rename", cluster=0, name="last"))
        plain = _cpu_ms(lambda: replay(log.events(*RUN)))
        assert replay(log.events(*RUN)) == log.read(*RUN)
    memory = {"memory": peak - before, "peak": peak}
    return {
        "each": statistics.fmean(costs),
        "worst": max(costs),
        "first": first,
        "way_back": way_back,
        "plain": plain,
    } | memory


def _fill(log: DecisionLog, n: int, rng: random.Random) -> None:
    """Write n decisions, many in a transaction: that saves time alone."""
    log.append(*RUN, "filter", percent=20)
    for start in range(1, n, 500):
        many = [_of_a_proposal(rng) for _ in range(min(500, n - start))]
        log.append_all(*RUN, lambda _, many=many: many)  # type: ignore[misc]


def _of_a_proposal(rng: random.Random) -> Decision:
    proposal, told = f"2007_{rng.randrange(PROPOSALS):06d}#0", rng.random()
    if told < 0.6:
        return "move", {"proposals": [proposal], "category": rng.randrange(CLUSTERS // 2)}
    if told < 0.8:
        return "accept", {"proposals": [proposal]}
    return "rename", {"cluster": rng.randrange(CLUSTERS // 2), "name": f"name {told}"}


def _decision(rng: random.Random, log: DecisionLog) -> Decision:
    told = rng.random()
    if told < 0.7:
        return _of_a_proposal(rng)
    if told < 0.8:
        return "filter", {"percent": rng.randrange(100), "cluster": rng.randrange(CLUSTERS // 2)}
    if told < 0.9:
        return rng.choice(["undo", "redo"]), {}
    if told < 0.95:
        return "merge", {"categories": sorted(rng.sample(range(CLUSTERS // 2, CLUSTERS), 2))}
    made = max([CLUSTERS - 1, *log.read(*RUN).layout.made]) + 1 + rng.randrange(1_000)
    members = [[f"2007_{rng.randrange(PROPOSALS):06d}#0", made, 0.5] for _ in range(SPLIT)]
    return "split", {"category": 0, "made": [made], "parts": 2, "members": packed(members)}


def _cpu_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1_000 * (time.process_time() - start)


def _peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 / 1e6


if __name__ == "__main__":
    main()

"""Many people at one app: how long pages, moves of the filter and data take, and whether its memory stays flat.

    python -m benchmarks.sessions [--quick] [--json FILE] [--points N] [--sessions N] [--seconds S] [--think S]

Sessions without browsers (`benchmarks.visitors`) log in with a token, open pages of one large run in turn and move the
filter three times on its page. A person looks at a page for `think` seconds, half to one and a half times as long, and
at a moved filter for half of it; the figures hold for that. First there is one session alone, then all. `ratio` is how
many times longer the slowest of twenty pages takes with all of them than with one.
"""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.browsing import Server, app_on
from benchmarks.large_run import large_run
from benchmarks.report import Report, arguments
from benchmarks.visitors import PAGES, TOKEN, Visitor, Waits
from comus_core.login import NO_LOGIN
from comus_core.login import TOKEN as TOKEN_VARIABLE
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.text import counted

QUICK, FULL = (8, 12.0, 2.0, 3_000), (50, 180.0, 5.0, 100_000)  # sessions, seconds, think, points
PAGE, DATA = 2.0, 0.5  # seconds that all but the slowest of twenty should take
FLAT = 20.0  # MiB a minute
SETTLED = 1 / 3  # of the time: memory is looked at after that


@dataclass(frozen=True)
class Load:
    """Seconds of processors used up to a moment: by the server, by this process, by all of the machine."""

    at: float
    server: float
    own: float
    all: float

    @staticmethod
    def now(server: Server) -> Load:
        """Of this moment."""
        ticks = os.sysconf("SC_CLK_TCK")
        of_server = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
        user, nice, system, *_ = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
        own = os.times()
        used = int(of_server[11]) + int(of_server[12])  # utime and stime of proc(5)
        busy = (user + nice + system) / ticks
        return Load(time.perf_counter(), used / ticks, own.user + own.system, busy)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, help="proposals of the run (default 100,000; quick 3,000)")
    parser.add_argument("--sessions", type=int, help="at once (default 50; quick 8)")
    parser.add_argument("--seconds", type=float, help="for so long (default 180; quick 12)")
    parser.add_argument("--think", type=float, help="seconds at a page (default 5; quick 2)")
    chosen = parser.parse_args()
    sessions, seconds, think, n = QUICK if chosen.quick else FULL
    n, sessions = chosen.points or n, chosen.sessions or sessions
    seconds, think = chosen.seconds or seconds, think if chosen.think is None else chosen.think
    report = Report(f"{sessions} sessions for {seconds:g} s at a run of {n:,} proposals, {think:g} s at each page")
    folder = Path(tempfile.mkdtemp(prefix="comus-sessions-"))
    try:
        workspace, run = large_run(folder / "workspace", n)
        view = open_run_view(workspace, run)
        with app_on(workspace, folder, **{NO_LOGIN: "0", TOKEN_VARIABLE: TOKEN}) as server:
            asyncio.run(measured(report, server, view, sessions, seconds, think))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.write(chosen.json)


async def measured(report: Report, server: Server, view: RunView, sessions: int, seconds: float, think: float) -> None:
    """Every page once, one session alone, then all; each part has sessions of its own."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * sessions))
    first, alone, together = Waits(), Waits(), Waits()
    await Visitor(server.url, view, 0, 0.0, first).visit(math.inf, PAGES)
    report.add("first_page_seconds", max(first.seconds["page"]), "slowest page of a server just started", "s")
    await Visitor(server.url, view, 1, think / 5, alone).visit(time.perf_counter() + min(seconds, 30), cycle(PAGES))
    told(report, "one_", "one session", alone)
    memory, before = [(0.0, server.memory())], Load.now(server)
    watching = asyncio.create_task(watch(server, memory))
    await visited(server, view, sessions, seconds, think, together)
    watching.cancel()
    told(report, "", f"{sessions} sessions", together, PAGE, DATA)
    of_load(report, before, Load.now(server), together.actions)
    of_memory(report, memory)
    errors = Counter(first.errors + alone.errors + together.errors)
    for words, times in errors.most_common(10):
        print(f"error, {counted(times, 'time')}: {words[:300]}", file=sys.stderr)
    report.add("errors", errors.total(), "errors", "", 0)
    longer = together.at("page", 95) / alone.at("page", 95)
    report.add("ratio", longer, "ratio: 95th percentile of pages, all over one", "x")


async def visited(server: Server, view: RunView, sessions: int, seconds: float, think: float, waits: Waits) -> None:
    """So many sessions, which come evenly within the time that one looks at two pages, each beginning at another."""
    until = time.perf_counter() + seconds

    async def come(number: int) -> None:
        await asyncio.sleep(2 * think * number / sessions)
        pages = islice(cycle(PAGES), number, None)
        await Visitor(server.url, view, 2 + number, think, waits).visit(until, pages)

    await asyncio.gather(*(come(number) for number in range(sessions)))


def told(
    report: Report, prefix: str, who: str, waits: Waits, page: float | None = None, data: float | None = None
) -> None:
    """The percentiles of what was waited for."""
    report.add(f"{prefix}actions", waits.actions, f"{who}: pages opened and filters moved", "")
    kinds = {
        "page": ("a page", page),
        "slide": ("the filter moved", page),
        "data": ("data", data),
        "look": ("jobs", None),
    }
    for kind, (words, most) in kinds.items():
        if waits.seconds[kind]:
            report.add(f"{prefix}{kind}_p50_seconds", waits.at(kind, 50), f"{who}: {words}, median", "s")
            report.add(f"{prefix}{kind}_p95_seconds", waits.at(kind, 95), f"{who}: {words}, 95th percentile", "s", most)


def of_load(report: Report, before: Load, after: Load, actions: int) -> None:
    """What the server and others used of the processors: the work of others makes every wait longer."""
    lasted, server = after.at - before.at, after.server - before.server
    others = (after.all - before.all) - server - (after.own - before.own)
    report.add("actions_per_second", actions / lasted, "pages opened and filters moved a second", "1/s")
    report.add("server_cores", server / lasted, "cores that the server used", "")
    report.add("other_cores", max(others, 0) / lasted, "cores that others used (not the server, not this)", "")
    report.add("cpu_per_action_seconds", server / max(actions, 1), "the server's processor time for each of them", "s")


async def watch(server: Server, memory: list[tuple[float, float]]) -> None:
    """Note seconds and MiB once a second."""
    began = time.perf_counter()
    while True:
        await asyncio.sleep(1)
        memory.append((time.perf_counter() - began, server.memory()))


def of_memory(report: Report, memory: list[tuple[float, float]]) -> None:
    """The server's memory, and how it grew once all sessions had come."""
    at, mib = np.array(memory).T
    late = at >= SETTLED * at[-1]
    report.add("memory_before_mib", mib[0], "memory before they came", "MiB")
    report.add("memory_peak_mib", mib.max(), "memory at its peak", "MiB")
    slope = 60 * float(np.polyfit(at[late], mib[late], 1)[0])
    report.add("memory_slope_mib_a_minute", slope, "memory: slope in the last two thirds, a minute", "MiB", FLAT)

"""How long a person waits for the app, on the server's side and in a browser, and how its map compares with Plotly's.

    python -m benchmarks.interface [--quick] [--json FILE] [--points N] [--no-peer]

Everything runs on this machine with software rendering, one thing after the other. `ratio` is how many times longer
Plotly's own lasso takes from letting go of the mouse to the pictures, at a size that it survives, in the same run.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from app.data import urls
from app.data.point_buffers import pack_points
from app.server import pictures
from benchmarks import interface_budgets as budgets
from benchmarks.browsing import PATIENCE, Server, app_on, lasso, open_map, opened, rest, served, two_lassos
from benchmarks.interface_million import at_a_million
from benchmarks.interface_move import QUICK_SELECTED, SELECTED, selection_moved
from benchmarks.interface_naming import named
from benchmarks.interface_photos import grid_seen, report_grid
from benchmarks.large_run import large_run
from benchmarks.report import Report, arguments
from benchmarks.undriven import seconds_to_show
from comus_core.runs.proposal_table import in_order
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selection_shapes import Gesture, select
from tests.app.map_browser import CHROMIUM, CHROMIUM_ARGS, flower

SURVIVED = 20_000  # points: Plotly's lasso still answers within seconds
QUICK = 3_000
GALLERY = 300
MAP = 5  # seconds until the map of 100,000 is there
LASSO = ((100_000, 1.0), (1_000_000, 2.5))  # points, and seconds from letting go to the gallery
LOOK = 500  # milliseconds in which the pictures of the last step arrive
THUMB = "[class*=st-key-filter_slider] input[type=range]"
FIGURES = ".st-key-filter_figures"


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, help="proposals of the large run (default 100,000; quick 3,000)")
    parser.add_argument("--no-peer", action="store_true", help="do not measure Plotly's map beside ours")
    chosen = parser.parse_args()
    n = chosen.points or (QUICK if chosen.quick else 100_000)
    report = Report(f"The interface at {n:,} proposals, 81 classes, 80 clusters")
    folder = Path(tempfile.mkdtemp(prefix="comus-interface-"))
    try:
        workspace, run = large_run(folder / "workspace", n)
        server_side(report, workspace, run)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
            in_browser(report, browser, workspace, run, folder, 2 if chosen.quick else 10)
            selection_moved(report, workspace, run, QUICK_SELECTED if chosen.quick else SELECTED)
            if not chosen.quick and chosen.points is None:
                at_a_million(report, browser, folder)
            if not chosen.no_peer:
                peer = (workspace, run) if n <= SURVIVED else large_run(folder / "peer", SURVIVED)
                against_plotly(report, browser, folder, *peer)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.write(chosen.json)


def server_side(report: Report, workspace: Workspace, run: Run) -> None:
    """What the server computes for each of a person's steps, without a browser."""
    start = time.perf_counter()
    view = open_run_view(workspace, run)
    report.add("open_run_seconds", time.perf_counter() - start, "server: open the run", "s")
    points, first = view.points("tsne"), Decisions(filter_percent=20)
    _ = view.categories(first).rows, view.count_rows, view.truth_class, score_clusters(view, first, filtered=True).score
    report.add("points_seconds", timed(lambda: pack_points(points)), "server: pack the points", "s")
    low, high = points.min(axis=0), points.max(axis=0)
    polygon = tuple((float(x), float(y)) for x, y in low + np.array(flower(0.5, 0.5, 0.4, 120)) * (high - low))
    around = [Gesture(polygon)]
    chosen = timed(lambda: in_order(view, np.flatnonzero(select(points, around)), first))
    report.add("select_seconds", chosen, "server: points in a lasso of 600 corners", "s")
    draft = Decisions(filter_percent=40)
    scored = timed(lambda: (view.kept(draft), score_clusters(view, draft, filtered=True).score))
    report.add("filter_seconds", scored, "server: kept counts and mIoU of a filter", "s")
    start = time.perf_counter()
    for row in range(GALLERY):
        pictures.crop(view, row, 160, "#ffffff")
    report.add("crops_seconds", time.perf_counter() - start, f"server: draw {GALLERY} crops, one thread", "s")


def in_browser(report: Report, browser: Any, workspace: Workspace, run: Run, folder: Path, times: int) -> None:
    """What a person waits for; galleries and slider so many times, and as many sessions open at once in the end."""
    sent: list[int] = []
    median = f"(median of {times})"
    small = len_of(run) <= LASSO[0][0]
    answer = next((seconds for most, seconds in LASSO if len_of(run) <= most), None)
    with app_on(workspace, folder) as server:
        report.add("answering_seconds", time.perf_counter() - server.started, "cold start: the server answers", "s")
        with opened(browser, sent) as page:
            page.goto(f"{server.url}jobs")
            page.wait_for_selector("[data-testid=stMainBlockContainer] h1", timeout=PATIENCE)
            rest(page)
            cold = time.perf_counter() - server.started
            report.add("cold_start_seconds", cold, "cold start: the first page is there", "s", 4)
            report.add("empty_memory_mib", server.memory(), "memory with no run opened", "MiB")
        with opened(browser, sent) as page:
            visible = open_map(page, server, run)
            report.add("map_seconds", visible, "map visible, run not opened before", "s", MAP if small else None)
        with opened(browser, sent) as page:
            report.add("map_again_seconds", open_map(page, server, run), "map visible, run held open", "s")
            found = two_lassos(page, len_of(run), sent)
            report.add("lasso_drawing_seconds", found[1].drawing, "lasso: while the mouse is down", "s")
            report.add("lasso_first_seconds", found[0].answer, "lasso to gallery, the first time", "s", answer)
            report.add("lasso_seconds", found[1].answer, "lasso to gallery", "s", answer)
            report.add("lasso_kilobytes", max(f.sent for f in found) / 1000, "lasso: sent up", "kB", 50)
            rest(page)
            page.wait_for_timeout(LOOK)
            again = budgets.crops_fetched_by_a_rerun(page)
            report.add("crops_of_a_rerun", again, "crops fetched again when the map is recoloured", "", 0)
        galleries = [crop_addresses(server, open_run_view(workspace, run), k) for k in range(times)]
        for name, words in (("first", "not drawn before"), ("again", "drawn before")):  # each time a fresh browser
            waited = statistics.median(seconds_to_show(galleries))
            report.add(f"crops_{name}_seconds", waited, f"gallery of {GALLERY} crops, {words} {median}", "s", 1.5)
        with opened(browser, sent) as page:
            moved = budgets.sent_by_opacity(page, server, run, sent)
            report.add("opacity_bytes", moved, "a layer's opacity moved: sent up, so no rerun", "B", 0)
        with opened(browser, sent) as page:
            report.add("slider_seconds", slide(page, server, times), f"slider to new figures {median}", "s", 0.3)
        with opened(browser, sent) as page:
            waited = statistics.median(named(page, server, run, 5 if times < 10 else 79))
            report.add("naming_seconds", waited, "Enter to the next cluster, of 80 named by keyboard (median)", "s", 1)
        with opened(browser, sent) as page:
            report_grid(report, grid_seen(page, server, run, times), len_of(run), times)
        time.sleep(2)
        report.add("idle_memory_mib", server.memory(), "memory at rest, run held open", "MiB", 400)
        more = budgets.memory_of_sessions(browser, server, run, times)
        report.add("sessions_memory_mib", more, f"memory of {times} sessions on the map, beside that", "MiB", 1024)


def against_plotly(report: Report, browser: Any, folder: Path, workspace: Workspace, run: Run) -> None:
    """The same points, the same lasso and the same crops through our map and through Plotly's."""
    view = open_run_view(workspace, run)
    points = folder / "points.npz"
    np.savez(points, points=view.points("tsne"), cluster=view.cluster)
    sent: list[int] = []
    with app_on(workspace, folder) as ours:
        with opened(browser, sent) as page:
            open_map(page, ours, run)
            page.locator("button[data-tool=lasso]").click()
            own = lasso(page, ".plot", "proposals selected", sent)
        crop = ours.url + urls.crop(view, "ROW", 160, outline=True)
        script = str(Path(__file__).with_name("plotly_lasso.py"))
        options = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.address=127.0.0.1"]
        with (
            served(
                lambda port: ["streamlit", "run", script, f"--server.port={port}", *options],
                "_stcore/health",
                folder,
                PLOTLY_LASSO_POINTS=str(points),
                PLOTLY_LASSO_CROPS=crop,
            ) as theirs,
            opened(browser, sent) as page,
        ):
            page.goto(theirs.url)
            page.wait_for_selector(".js-plotly-plot .nsewdrag", timeout=PATIENCE)
            rest(page)
            page.wait_for_timeout(1000)
            peer = lasso(page, ".js-plotly-plot .nsewdrag", "proposals selected", sent)
    at = f"at {len_of(run):,} points"
    report.add("our_lasso_seconds", own.answer, f"our lasso to gallery {at}", "s")
    report.add("plotly_lasso_seconds", peer.answer, f"Plotly's lasso to gallery {at}", "s")
    report.add("our_lasso_drawing_seconds", own.drawing, f"our lasso while the mouse is down {at}", "s")
    report.add("plotly_lasso_drawing_seconds", peer.drawing, f"Plotly's lasso while the mouse is down {at}", "s")
    report.add("plotly_lasso_kilobytes", peer.sent / 1000, "Plotly's lasso: sent up", "kB")
    report.add("ratio", peer.answer / own.answer, "ratio: Plotly's lasso to gallery over ours", "x")


def crop_addresses(server: Server, view: RunView, number: int) -> list[str]:
    """Where the crops of a gallery are, spread over the whole run; those of another number are others."""
    rows = (np.arange(GALLERY) * (len(view) // GALLERY) + number) % len(view)
    return [server.url + urls.crop(view, int(row), 160) for row in rows]


def slide(page: Page, server: Server, times: int) -> float:
    """Median seconds from a key on the filter's slider until the figures have changed."""
    page.goto(f"{server.url}filter")
    page.get_by_text("Pixel accuracy").first.wait_for(timeout=PATIENCE)
    rest(page)
    page.wait_for_timeout(LOOK)
    waits = []
    for _ in range(times):
        before = page.locator(FIGURES).inner_text()
        start = time.perf_counter()
        page.locator(THUMB).press("ArrowRight")
        page.wait_for_function(
            "([s, old]) => document.querySelector(s).innerText !== old", arg=[FIGURES, before], timeout=PATIENCE
        )
        waits.append(time.perf_counter() - start)
        rest(page)
        page.wait_for_timeout(LOOK)
    return statistics.median(waits)


def timed(work: Callable[[], object], repeats: int = 5) -> float:
    """Median seconds of a few calls."""
    waits = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        waits.append(time.perf_counter() - start)
    return statistics.median(waits)


def len_of(run: Run) -> int:
    """How many proposals the run has."""
    return int(run.result["proposals"])


if __name__ == "__main__":
    main()

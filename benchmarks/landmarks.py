"""Spectral clustering of all points against that of landmarks, on one machine in one run.

`python -m benchmarks.landmarks [--quick] [--json FILE] [--points FILE] [--size N] [--landmarks M ...] [--compute PLACE]
[--rest N]`. Every side runs in a process of its own, so that peak memory is its own, and reads its points from a file
that is mapped into memory. K = 80, 30 neighbours, one seed. `ratio` is the CPU time of all points over that of the
first number of landmarks: other work on the machine hardly changes it. `--rest N` instead lets N points join as many
landmarks as are named, whose rows are drawn and not computed: what a point costs that joins very many.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.clustering_sides import CLUSTERS, NEIGHBOURS, SEED, generator
from benchmarks.report import Report, arguments

QUICK, FULL = (6_000, [600]), (50_000, [5_000, 1_000])
Figures = dict[str, float]


def main() -> None:
    """Measure and print."""
    if len(sys.argv) > 1 and sys.argv[1] == "side":
        print(json.dumps(_measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
        return
    options = _options()
    report = Report(f"Landmarks, K = {CLUSTERS}, {NEIGHBOURS} neighbours")
    with TemporaryDirectory() as folder:
        size = options.rest or options.size
        points, labels = generator(options.points)(size + (max(options.landmarks) if options.rest else 0), seed=SEED)
        np.save(Path(folder) / "vectors.npy", points)
        np.save(Path(folder) / "labels.npy", labels)
        del points
        if options.rest:
            _rest(report, folder, options)
        else:
            _compare(report, folder, options)
    report.write(options.json)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.add_argument("--points", default="-", metavar="FILE", help="Python file with points(n, seed) -> x, labels")
    parser.add_argument("--size", type=int, metavar="N", help=f"points; default {FULL[0]}, quick {QUICK[0]}")
    parser.add_argument("--landmarks", type=int, nargs="+", metavar="M", help=f"default {FULL[1]}, quick {QUICK[1]}")
    parser.add_argument("--compute", default="local", metavar="PLACE", help="as of `comus run`; measured beside local")
    parser.add_argument("--rest", type=int, metavar="N", help="N points join the landmarks, nothing else")
    options = parser.parse_args()
    size, landmarks = QUICK if options.quick else FULL
    options.size, options.landmarks = options.size or size, options.landmarks or landmarks
    return options


def _compare(report: Report, folder: str, options: argparse.Namespace) -> None:
    n = options.size
    whole = _side(folder, 0, n, "local")
    _print(report, f"{n}.all", f"{n:,} points, all", whole)
    for count in options.landmarks:
        found = _side(folder, count, n, "local")
        _print(report, f"{n}.{count}", f"{n:,} points, {count:,} landmarks", found)
        report.add(f"{n}.{count}.times", whole["cpu"] / found["cpu"], f"{count:,} landmarks: times less CPU", "x")
        lost = whole["nmi"] - found["nmi"]
        report.add(f"{n}.{count}.nmi_lost", lost, f"{count:,} landmarks: NMI below that of all", "")
        print()
    if options.compute != "local":
        for count in (0, options.landmarks[0]):
            words = f"{n:,} points, {count:,} landmarks" if count else f"{n:,} points, all"
            spread = _side(folder, count, n, options.compute)
            report.add(f"{n}.{count or 'all'}.spread", spread["total"], f"{words}: total, {options.compute}", "s")
    first = options.landmarks[0]
    report.add("ratio", report.figures[f"{n}.{first}.times"], f"ratio: all over {first:,} landmarks", "x")


def _rest(report: Report, folder: str, options: argparse.Namespace) -> None:
    for count in options.landmarks:
        found = _side(folder, -count, options.rest, "local")
        words = f"{options.rest:,} points join {count:,} landmarks"
        report.add(f"rest.{count}.seconds", found["join"], words, "s")
        report.add(f"rest.{count}.each", 1000 * found["cpu"] / options.rest, f"{words}: CPU each", "ms")
        report.add(f"rest.{count}.peak", found["peak"], f"{words}: peak memory", "GiB")


def _print(report: Report, key: str, words: str, figures: Figures) -> None:
    for name, unit in (("total", "s"), ("cpu", "s"), ("nmi", ""), ("peak", "GiB")):
        report.add(f"{key}.{name}", figures[name], f"{words}: {name}", unit)
    if "own" in figures:
        report.add(f"{key}.own", figures["own"], f"{words}: nmi of these alone", "")


def _side(folder: str, landmarks: int, n: int, compute: str) -> Figures:
    """The figures of one side, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.landmarks", "side", folder, str(landmarks), str(n), compute]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _measure(folder: str, landmarks: int, n: int, compute: str) -> Figures:
    """One side; with a negative number of landmarks the rest joins the first so many points, whose rows are drawn."""
    from sklearn.metrics import normalized_mutual_info_score as nmi

    from comus_core.clustering.clusters import cluster
    from comus_core.compute import computing
    from comus_core.config import ClusteringSettings
    from comus_core.stages.blocks import sharded_blocks
    from comus_core.types import no_progress

    place = Path(folder)
    vectors = np.load(place / "vectors.npy", mmap_mode="r")
    _warm(cluster, ClusteringSettings)
    if landmarks < 0:
        seconds, cpu = _join_drawn_rows(vectors[:-landmarks], vectors[-landmarks:], n)
        return {"join": seconds, "cpu": cpu, "peak": _peak()}
    how = ClusteringSettings(neighbours=NEIGHBOURS, features="raw", landmarks=landmarks)
    with computing(compute), TemporaryDirectory(dir=folder) as own:
        with sharded_blocks(Path(own), "clustering", no_progress) as blocks:
            start, cpu = time.perf_counter(), time.process_time()
            found = cluster(vectors, how, CLUSTERS, SEED, blocks=blocks)
        total, cpu = time.perf_counter() - start, time.process_time() - cpu
    labels, own = np.load(place / "labels.npy"), found.landmarks
    alone = {} if own is None else {"own": float(nmi(labels[own], found.cluster[own]))}
    return {"total": total, "cpu": cpu, "nmi": float(nmi(labels, found.cluster)), "peak": _peak(), **alone}


def _warm(cluster: Any, settings: Any) -> None:
    """What is compiled or imported on the first call is so before the clock starts."""
    few = generator("-")(3000, seed=1)[0]
    cluster(few, settings(landmarks=2000, n_init=1), 3, SEED)


def _join_drawn_rows(known: np.ndarray, others: np.ndarray, n: int) -> tuple[float, float]:
    """Seconds and CPU seconds of points that join, with drawn rows and clusters; every reach is the median of some."""
    from comus_core.clustering.blocks import HERE
    from comus_core.clustering.landmarks import join_block
    from comus_core.clustering.query_blocks import nearest_to
    from comus_core.clustering.search_points import SearchPoints

    rng, points = np.random.default_rng(SEED), SearchPoints.of(np.array(known))
    rows = rng.normal(size=(len(known), CLUSTERS))
    reach = np.full(len(known), np.median(nearest_to(np.array(known[:200]), points, NEIGHBOURS)[1][:, -1]))
    nothing = np.zeros(len(known), np.float32)
    arrays = {
        **points.arrays(),
        **dict.fromkeys(("distance", "silhouette", "density", "agreement"), nothing),
        "vectors": others[:n],
        "reach": reach,
        "shares": rows,
        "embedding": rows.astype(np.float32),
        "cluster": rng.integers(0, CLUSTERS, len(known)).astype(np.int32),
        "centres": rows[:CLUSTERS].astype(np.float32),
        "means": rows[:CLUSTERS],
        "spread": np.ones(CLUSTERS),
    }
    start, cpu = time.perf_counter(), time.process_time()
    HERE("rest", partial(join_block, features="raw", neighbours=NEIGHBOURS), arrays, n)
    return time.perf_counter() - start, time.process_time() - cpu


def _peak() -> float:
    """GiB of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


if __name__ == "__main__":
    main()

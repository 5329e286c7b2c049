"""What more workers bring, and what more images cost: `python -m benchmarks.scaling [--ray] [--quick] [--json FILE]`.

First, shards of crops through EfficientNet-Lite0 by 1, 2 and 4 workers, processes or, with `--ray`, actors of a Ray
cluster of that many nodes on loopback. Each worker is held to a part of a core, by sleeping after each batch, so that
four of them on two cores stand for four machines: the figures say what the spreading costs, not what a core does.
Workers are warm: they have made a shard each before the clock starts. `ratio` is the efficiency of the most workers:
their images a second over as many times those of one.

Then each stage against n: the stages over images on drawn files, whose cost an image must not change with n, and
clustering on 1,000 to 100,000 drawn points (`benchmarks.mixture`). The exponent is of the last two sizes: 1 is linear.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa

from benchmarks import mixture
from benchmarks.clustering_sides import ours
from benchmarks.features import drawn_images
from benchmarks.report import Report, arguments
from comus_core import discover, make_config, open_workspace
from comus_core.compute.crew import Crew
from comus_core.compute.dispatch import Dispatcher
from comus_core.compute.processes import Processes
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.workspace.shards import ShardPlan

SHARE = 0.125  # of a core that a worker has: four of them leave room for what else runs; less on a busy machine
WORKERS, TARGET, PORT = (1, 2, 4), 0.8, 6401
SIZES, POINTS = (64, 256, 1024), (1_000, 10_000, 100_000)


def main() -> None:
    """Both parts."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--ray", action="store_true", help="nodes of Ray instead of processes")
    parser.add_argument("--share", type=float, default=SHARE, metavar="X", help=f"of a core; default: {SHARE}")
    options = parser.parse_args()
    report = Report(f"Scaling: {'Ray' if options.ray else 'processes'}")
    scaled(report, options.ray, 12 if options.quick else 64, options.share)
    over_images(report, SIZES[:2] if options.quick else SIZES)
    over_points(report, POINTS[:2] if options.quick else POINTS)
    report.write(options.json)


def scaled(report: Report, ray: bool, shards: int, share: float) -> None:
    """Images a second of the same shards by more and more workers."""
    speed: dict[int, float] = {}
    for count in WORKERS:
        nodes = _nodes(count) if ray else []
        dispatcher = Dispatcher(_crew(count, ray))
        try:
            with tempfile.TemporaryDirectory() as place:
                spread(dispatcher, Path(place) / "warm", count, share)
                begun = time.perf_counter()
                images = spread(dispatcher, Path(place) / "timed", shards, share)
                speed[count] = images / (time.perf_counter() - begun)
        finally:
            dispatcher.close()
            _end(nodes)
        report.add(f"workers_{count}", speed[count], f"crops a second, {count} workers of {share:g} core", "1/s")
    for count in WORKERS[1:]:
        efficiency = speed[count] / count / speed[1]
        report.add(f"efficiency_{count}", efficiency, f"efficiency of {count} workers", "", least=TARGET)
    report.add("ratio", report.figures[f"efficiency_{WORKERS[-1]}"], "efficiency of the most workers", "", least=TARGET)


def spread(dispatcher: Dispatcher, folder: Path, shards: int, share: float) -> int:
    """Make so many shards of four crops; how many crops."""
    (folder / "shards").mkdir(parents=True)
    plan = ShardPlan(
        folder / "shards", [f"{n:05d}" for n in range(4 * shards)], held_features(share), "features", size=4
    )
    dispatcher.spread(plan, list(plan.starts), lambda _: None)
    return len(plan.ids)


def held_features(share: float) -> Callable[[Sequence[str], Callable[[int], None], Path], pa.Table]:
    """The vectors of crops, by a worker that has such a share of a core."""
    loaded = list[Any]()

    def work(ids: Sequence[str], tick: Callable[[int], None], _: Path) -> pa.Table:
        from comus_core.features.encoders import load_encoder

        if not loaded:
            loaded.append(load_encoder("efficientnet-lite0"))
        begun, used = time.perf_counter(), time.process_time()
        vectors = loaded[0].encode([np.full((100, 80, 3), int(i) % 251, np.uint8) for i in ids])
        tick(len(ids))
        time.sleep(max(0.0, (time.process_time() - used) / share - (time.perf_counter() - begun)))
        return pa.table({"id": list(ids), "first": vectors[:, 0]})

    return work


def over_images(report: Report, sizes: Sequence[int]) -> None:
    """Milliseconds an image of the stages over images, and of those over few clusters."""
    last: dict[str, float] = {}
    for n in sizes:
        with tempfile.TemporaryDirectory() as place:
            folder, workspace = drawn_images(Path(place), n), open_workspace(Path(place) / "w")
            config = make_config(dataset=str(folder), features={"encoder": "efficientnet-lite0"})
            run = discover(config, workspace, DiscoverSettings(until="features"), device="cpu")
        for stage in ("images", "saliency", "features"):
            spent = run.result["seconds"][stage]
            report.add(f"{stage}_{n}", 1000 * spent / n, f"{stage}: milliseconds an image of {n:,}", "ms")
            if n == sizes[-1]:
                report.add(f"{stage}_exponent", exponent(last[stage], spent, sizes), f"{stage}: exponent of n", "")
            last[stage] = spent


def over_points(report: Report, sizes: Sequence[int]) -> None:
    """Seconds of each step of clustering."""
    last: dict[str, float] = {}
    ours(mixture.points(500)[0])  # compiles what is compiled
    for n in sizes:
        _, figures = ours(mixture.points(n)[0])
        for step in ("graph", "eigenvectors", "k-means"):
            report.add(f"{step}_{n}", figures[step], f"{step}: seconds of {n:,} proposals", "s")
            if n == sizes[-1]:
                report.add(f"{step}_exponent", exponent(last[step], figures[step], sizes), f"{step}: exponent of n", "")
            last[step] = figures[step]


def exponent(before: float, now: float, sizes: Sequence[int]) -> float:
    """Of the growth from the last size but one to the last."""
    return math.log(now / before) / math.log(sizes[-1] / sizes[-2])


def _crew(count: int, ray: bool) -> Crew:
    if not ray:
        return Processes(count)
    from comus_core.compute.ray_workers import RayWorkers

    return RayWorkers(f"127.0.0.1:{PORT}")


def _nodes(count: int) -> list[Any]:
    from comus_core.compute.ray_nodes import start_nodes

    return start_nodes(count, cpus=1, port=PORT)


def _end(nodes: list[Any]) -> None:
    if nodes:
        import ray

        from comus_core.compute.ray_nodes import stop_nodes

        ray.shutdown()
        stop_nodes(nodes)


if __name__ == "__main__":
    main()

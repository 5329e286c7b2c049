"""Spectral clustering against scikit-learn and against plain Lanczos, on one machine in one run.

`python -m benchmarks.clustering [--quick] [--json FILE] [--points FILE] [--sizes N ...] [--million]`. Every side runs
in a process of its own, so that peak memory is its own. K = 80, 30 neighbours, one seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

from benchmarks.report import Report, arguments

QUICK, FULL = [5_000], [5_000, 20_000, 100_000]
SCIKIT_LEARN_LEAST = {5_000: 6.0, 20_000: 35.0}  # times faster
PLAIN_LEAST = {20_000: 1.5, 100_000: 2.0}
MEMORY_MOST = {100_000: 6.0, 1_000_000: 14.0}  # GiB
PRODUCTS_AT = 50_000
ISLANDS_AT = 20_000


def main() -> None:
    """Measure and print."""
    options = _options()
    report = Report("Spectral clustering, K = 80, 30 neighbours")
    for n in options.sizes:
        _compare(report, n, options)
    _headline(report)
    if not options.million_only:
        _graph_against_products(report, 5_000 if options.quick else PRODUCTS_AT, options)
        _islands(report, 10_000 if options.quick else ISLANDS_AT, options)
    if options.million or options.million_only:
        found = _side("ours", 1_000_000, options)
        _print_side(report, "ours", 1_000_000, found)
        report.add("1000000.minutes", found["total"] / 60, "1,000,000 points", "min", 40)
    report.write(options.json)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__ or "")
    parser.add_argument("--points", default="-", metavar="FILE", help="Python file with points(n, seed) -> x, labels")
    parser.add_argument("--sizes", type=int, nargs="*", metavar="N", help=f"points; default {FULL}, quick {QUICK}")
    parser.add_argument(
        "--scikit-learn-to", type=int, default=20_000, metavar="N", help="largest size for SpectralClustering"
    )
    parser.add_argument("--plain-to", type=int, default=100_000, metavar="N", help="largest size for plain Lanczos")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 points, ours alone")
    parser.add_argument("--million-only", action="store_true", help="1,000,000 points and nothing else")
    options = parser.parse_args()
    if options.sizes is None:
        options.sizes = [] if options.million_only else QUICK if options.quick else FULL
    return options


def _side(side: str, n: int, options: argparse.Namespace) -> dict[str, float]:
    """The figures of one side, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.clustering_sides", side, str(n), options.points]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _compare(report: Report, n: int, options: argparse.Namespace) -> None:
    sides = {"ours": _side("ours", n, options)}
    _print_side(report, "ours", n, sides["ours"])
    for side, largest in (("plain", options.plain_to), ("scikit-learn", options.scikit_learn_to)):
        if n <= largest:
            sides[side] = _side(side, n, options)
            _print_side(report, side, n, sides[side])
    for side, aims in (("plain", PLAIN_LEAST), ("scikit-learn", SCIKIT_LEARN_LEAST)):
        if side in sides:
            times = sides[side]["total"] / sides["ours"]["total"]
            report.add(f"{n}.times.{side}", times, f"{n:,}: times faster than {side}", "x", least=aims.get(n))
            loss = sides[side]["nmi"] - sides["ours"]["nmi"]
            report.add(f"{n}.nmi_below.{side}", loss, f"{n:,}: NMI below that of {side}", "", 0.01)
    print()


def _headline(report: Report) -> None:
    """`ratio`: at the largest size that was compared, against scikit-learn if it was there, else against plain."""
    compared = [(side, n) for side in ("scikit-learn", "plain") for n in FULL if f"{n}.times.{side}" in report.figures]
    if compared:
        side = compared[0][0]
        n = max(n for other, n in compared if other == side)
        report.add("ratio", report.figures[f"{n}.times.{side}"], f"ratio: {side} over ours at {n:,} points", "x")
        print()


def _print_side(report: Report, side: str, n: int, figures: dict[str, float]) -> None:
    units = {"nmi": "", "peak": "GiB", "components": "", "attached": "", "residual": ""}
    for name, value in figures.items():
        if name == "residual":
            report.figures[f"{n}.{side}.{name}"] = value
            print(f"{f'{n:,} {side}: largest residual':<58} {value:>11.1e}")
            continue
        most = MEMORY_MOST.get(n) if name == "peak" and side == "ours" else None
        report.add(f"{n}.{side}.{name}", value, f"{n:,} {side}: {name}", units.get(name, "s"), most)


def _graph_against_products(report: Report, n: int, options: argparse.Namespace) -> None:
    """The graph computes each product of two points once: half of the flops of all pairs."""
    graph, bare = _side("ours", n, options)["graph"], _side("products", n, options)["products"]
    report.add(f"{n}.products", bare, f"{n:,}: bare products of all pairs", "s")
    report.add(f"{n}.graph", graph, f"{n:,}: graph", "s")
    report.add(f"{n}.graph_to_all", graph / bare, f"{n:,}: graph, relative to products of all pairs", "x")
    words = f"{n:,}: graph, relative to the half that it computes"
    report.add(f"{n}.graph_to_half", graph / (bare / 2), words, "x", 1.8 if n == PRODUCTS_AT else None)
    print()


def _islands(report: Report, n: int, options: argparse.Namespace) -> None:
    """Forty bursts of 32 near-duplicates that are components of their own.

    NMI of all points rewards a cluster for every burst, since a burst has one class; that of the rest tells what is
    left for everybody else.
    """
    for side, words in (("islands", "attached"), ("islands-kept", "kept")):
        found = _side(side, n, options)
        report.add(f"{n}.{side}.components", found["components"], f"{n:,} and 40 bursts: components", "")
        report.add(f"{n}.{side}.nmi", found["nmi"], f"{n:,} and 40 bursts {words}: NMI of all", "")
        for name in ("nmi of the rest", "clusters of the rest"):
            report.add(f"{n}.{side}.{name}", found[name], f"{n:,} and 40 bursts {words}: {name}", "")
    print()


if __name__ == "__main__":
    main()

"""Clustering methods on the features of finished runs: mIoU of round 0, accuracy and NMI, over folds and seeds.

Each fold leaves a fifth of the run's images out; every method groups the proposals of the others, and is scored on
them: mIoU over all classes with Hungarian matching, accuracy and NMI of proposals. Proposals left as noise are
background in the mIoU and in neither of the others.

    python -m benchmarks.cluster_methods WORKSPACE RUN [RUN ...] [--seeds 0,1,2]

`--quick` takes one seed and two methods. `ratio` is the mIoU of the consensus over that of spectral clustering, of the
first run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import stdev

import numpy as np

from benchmarks.report import Report, arguments
from comus_core import open_workspace
from comus_core.clustering.clusters import cluster
from comus_core.config import ClusteringSettings
from comus_core.evaluation.cluster_quality import cluster_quality, majority_classes
from comus_core.evaluation.counts import BACKGROUND, REMAINDER, Counts
from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score
from comus_core.runs.artifact_readers import read_vectors, vectors_of
from comus_core.runs.run_view import open_run_view
from comus_core.types import IntArray, StrArray, Vectors

FOLDS = 5
PLAIN = ClusteringSettings()
METHODS = {
    "spectral": PLAIN,
    "spectral, 12 neighbours": replace(PLAIN, neighbours=12),
    "consensus": replace(PLAIN, method="consensus"),
    "umap": replace(PLAIN, method="umap"),
    "evoc": replace(PLAIN, method="evoc"),
    "evoc, noise to its nearest": replace(PLAIN, method="evoc", noise="nearest"),
    "kmeans": replace(PLAIN, method="kmeans"),
}
QUICK = ("spectral", "consensus")
TWO_VIEWS = {
    "spectral, two views": PLAIN,
    "spectral, 12 neighbours, two views": replace(PLAIN, neighbours=12),
    "consensus, two views": replace(PLAIN, method="consensus"),
}


@dataclass(frozen=True)
class Scored:
    """Features of a run and the pixels of classes in its proposals (n, c) and in each image's remainder."""

    name: str
    vectors: Vectors
    around: Vectors | None
    counts: Counts
    rows: IntArray
    images: StrArray

    def folds(self) -> Iterator[StrArray]:
        """The images that each fold keeps."""
        images = np.unique(self.counts.image_id)
        for part in np.array_split(np.random.default_rng(0).permutation(len(images)), FOLDS):
            yield np.delete(images, part)

    def scores(self, images: StrArray, label: IntArray, clusters: int) -> tuple[float, float, float]:
        """mIoU, accuracy and NMI, in percent, of the labels of the proposals of some images."""
        here, kept = np.isin(self.counts.image_id, images), np.isin(self.images, images)
        of_row = np.full(len(self.counts), BACKGROUND)
        of_row[self.rows[kept]] = label
        table = np.zeros((max(clusters, int(label.max()) + 1) + 1, self.counts.n_classes), np.int64)
        np.add.at(table, of_row[here] + 1, self.counts.pixels(np.flatnonzero(here)))
        names = [str(number) for number in range(self.counts.n_classes)]
        quality = cluster_quality(label, majority_classes(self.counts, self.rows[kept]))
        assert quality is not None
        return score(table, match(table, "hungarian"), names).miou, quality.accuracy, 100 * quality.nmi


def opened(workspace: str, name: str) -> Scored:
    """A run's features, with those of its surroundings if its clustering read any."""
    place = open_workspace(workspace)
    run = place.runs.get(name)
    view = open_run_view(place, run)
    counted = view.counted(place.decisions_of(run))
    assert counted is not None, f"run {name} has no ground truth"
    counts, rows = counted
    ids, vectors = read_vectors(place.artifact(run, "features"))
    order = {proposal: row for row, proposal in enumerate(view.proposals.proposal_id)}
    rows = rows[[order[proposal] for proposal in ids]]
    inputs = place.artifact(run, "clustering").manifest()["key"]["inputs"]
    beside = place.artifacts.find("surroundings", inputs.get("beside", ""))
    around = None if beside is None else vectors_of(beside, ids)
    assert not (counts.proposal_id[rows] == REMAINDER).any()
    return Scored(run.name, vectors, around, counts, rows, counts.image_id[rows])


def main() -> None:
    """A line a method and run: means over folds and seeds, and the spread of mIoU over seeds."""
    parser = arguments(__doc__ or "")
    parser.add_argument("workspace", metavar="WORKSPACE")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="with ground truth")
    parser.add_argument("--seeds", default="0,1,2", metavar="0,1")
    options = parser.parse_args()
    seeds = [0] if options.quick else [int(seed) for seed in options.seeds.split(",")]
    report = Report("Clustering methods")
    for number, name in enumerate(options.runs):
        one = opened(options.workspace, name)
        print(f"{one.name}: {len(one.vectors)} proposals, {one.counts.n_classes - 1} clusters", flush=True)
        methods = {name: (how, None) for name, how in METHODS.items() if not options.quick or name in QUICK}
        if one.around is not None and not options.quick:
            methods |= {name: (how, one.around) for name, how in TWO_VIEWS.items()}
        for method, (how, around) in methods.items():
            _judge(report, f"{number}_{method}", one, how, around, seeds)
    report.add(
        "ratio", report.figures["0_consensus_miou"] / report.figures["0_spectral_miou"], "consensus, spectral", "x"
    )
    report.write(options.json)


def _judge(
    report: Report, key: str, one: Scored, how: ClusteringSettings, around: Vectors | None, seeds: Sequence[int]
) -> None:
    """The figures of a method on a run."""
    start, by_seed, clusters = time.perf_counter(), [], one.counts.n_classes - 1
    for seed in seeds:
        scores = []
        for images in one.folds():
            kept = np.isin(one.images, images)
            beside = None if around is None else around[kept]
            found = cluster(one.vectors[kept], how, clusters, seed, beside=beside)
            scores.append(one.scores(images, found.cluster, clusters))
        by_seed.append(np.mean(scores, axis=0))
    words = key.partition("_")[2]
    for name, value in zip(("miou", "accuracy", "nmi"), np.mean(by_seed, axis=0), strict=True):
        report.add(f"{key}_{name}", float(value), f"{words}: {name}", "%")
    if len(seeds) > 1:
        report.add(f"{key}_spread", stdev([float(each[0]) for each in by_seed]), f"{words}: ± over seeds", "%")
    report.add(f"{key}_seconds", (time.perf_counter() - start) / (FOLDS * len(seeds)), f"{words}: a clustering", "s")


if __name__ == "__main__":
    main()

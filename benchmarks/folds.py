"""What training gains on images that no stage has seen: five folds over a VOC folder.

Each fold discovers and trains on four fifths of the images of `trainval` (a permutation of seed 0) and scores round 0
and every trained round on the rest, which the clusters are assigned to by their nearest neighbours.

    python -m benchmarks.folds VOC_ROOT WORKSPACE [--folds 0,1] [--set epochs=4] [--run NAME=VALUE]
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import Report, arguments
from comus_core import RunRound, compare, discover, make_config, make_training, open_workspace, train
from comus_core.pipelines.verb_settings import CompareSettings
from comus_core.settings import assigned, merge
from comus_core.training import TrainSettings

FOLDS = 5
LISTS = Path("ImageSets", "Segmentation")
RUN = {
    "saliency": {"detector": "u2netp"},
    "features": {"encoder": "efficientnet-lite0"},
    "clustering": {"clusters": 20},
}
QUICK = {"epochs": 1, "optimisation": {"crop": 64}}


def main() -> None:
    """A line a fold, and the means."""
    parser = arguments(__doc__ or "")
    parser.add_argument("root", type=Path, metavar="VOC_ROOT", help="with VOC2012/")
    parser.add_argument("workspace", type=Path, metavar="WORKSPACE", help="kept, and used again")
    parser.add_argument("--folds", default=",".join(map(str, range(FOLDS))), metavar="0,1", help="which; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the training")
    parser.add_argument("--run", action="append", default=[], metavar="NAME=VALUE", help="of the run")
    options = parser.parse_args()
    report = Report("Training on unseen images")
    changes = merge(RUN, assigned(options.run))
    training = merge(QUICK if options.quick else {}, assigned(options.set))
    numbers = [0] if options.quick else [int(number) for number in options.folds.split(",")]
    step = 20 if options.quick else 1
    gains = [
        _fold(report, k, place, options.workspace, options.seed, changes, training)
        for k, place in _written(options.root, options.workspace, numbers, step)
    ]
    for number, name in enumerate(("round 0", *(f"round {n}" for n in range(1, len(gains[0]))))):
        values = [fold[number] for fold in gains]
        report.add(f"mean_{number}", float(np.mean(values)), f"{name}: mean mIoU of {len(values)} folds", "%")
    first, last = (float(np.mean([fold[k] for fold in gains])) for k in (0, -1))
    report.add("gain", last - first, "last round over round 0", "pts", least=4)
    report.add("ratio", last / first, "last round over round 0", "x")
    report.write(options.json)


def _written(root: Path, workspace: Path, numbers: Sequence[int], step: int) -> Iterator[tuple[int, Path]]:
    """Each fold as a VOC folder beside the workspace: links to the images and masks, and its own lists."""
    ids = (root / "VOC2012" / LISTS / "trainval.txt").read_text().split()[::step]
    parts = np.array_split(np.random.default_rng(0).permutation(len(ids)), FOLDS)
    for number in numbers:
        place = workspace / f"fold-{number}"
        home = place / "VOC2012"
        (home / LISTS).mkdir(parents=True, exist_ok=True)
        for name in ("JPEGImages", "SegmentationClass"):
            if not (home / name).exists():
                (home / name).symlink_to((root / "VOC2012" / name).resolve())
        left = set(parts[number].tolist())
        for name, inside in (("train", False), ("val", True)):
            chosen = [one for k, one in enumerate(ids) if (k in left) is inside]
            (home / LISTS / f"{name}.txt").write_text("\n".join(chosen) + "\n")
        yield number, place


def _fold(
    report: Report, number: int, place: Path, root: Path, seed: int, changes: dict, training: dict
) -> tuple[float, ...]:
    """The mIoU of round 0 and of each trained round on the images that were left out, in percent."""
    workspace, unseen = open_workspace(root / "workspace"), f"voc:{place}:val"
    run = discover(make_config(dataset=f"voc:{place}:train", seed=seed, **changes), workspace)
    start = time.perf_counter()
    trained = train(
        run, workspace, TrainSettings(make_training(**training), scored_on=unseen, seed=seed), log=lambda line: None
    )
    minutes = (time.perf_counter() - start) / 60
    rounds = len(trained.result["rounds"])
    subjects = (RunRound(run, 0), RunRound(run, rounds, trained))
    found = compare(subjects, workspace, CompareSettings(unseen))
    between = [entry["miou"] for entry in trained.result["rounds"]]
    scores = (found["first"]["miou"], *between)
    for k, score in enumerate(scores):
        report.add(f"fold_{number}_round_{k}", score, f"fold {number}: round {k}, mIoU on unseen images", "%")
    interval = found["bootstrap"]
    report.add(f"fold_{number}_low", interval["low"], f"fold {number}: 95 % interval of the gain, from", "pts")
    report.add(f"fold_{number}_high", interval["high"], f"fold {number}: to", "pts")
    report.add(f"fold_{number}_minutes", minutes, f"fold {number}: training", "min")
    return scores


if __name__ == "__main__":
    main()

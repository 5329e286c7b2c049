"""How fast a segmenter is trained: our loop against a plain one, and what each of our measures gives.

    python -m benchmarks.training [--quick] [--json FILE] [--threads N]

The peer is a loop as in torchvision's references/segmentation/train.py: data set and loader, torchvision's transforms
to normalised floats, network in the default memory format, cross-entropy of upsampled scores, a rate for every step.
No moving average of weights: the peer has none. Both have the same network (EfficientNet-Lite0, DeepLabv3), crop and
batch of the `cpu` preset, augmentations, optimiser, number of workers and of threads, and both hold the decoded images
in memory. The photographs are drawn. `--quick` has half the batch and the first measures only.

Two loops stand side by side in processes of their own and train by turns, block after block, each second pair in the
other order; the machine's ups and downs meet both. A figure is the median over blocks; a ratio the median over pairs
of blocks. `ratio` is our images per second over the peer's; a measure's gain is ours over ours without it.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.report import Report, arguments
from benchmarks.training_loops import MEASURES, Work, ours, plain
from comus_core.datasets.demo.scenes import draw_scene
from comus_core.training import make_training

LONGER_SIDE = 500  # pixels, as most photographs of VOC have


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    images: int
    pairs: int  # of blocks, for the ratio
    pairs_each: int  # for every measure
    block: int  # steps
    measures: int  # of ours, the first so many


FULL, QUICK = Plan(48, 8, 4, 8, len(MEASURES)), Plan(16, 3, 2, 2, 3)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="that compute a step (default 2)")
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else FULL
    optimisation = {"ema": 0.0, "batch": 4 if chosen.quick else None}
    settings = make_training("cpu", epochs=10**6, optimisation=optimisation)
    crop, batch = settings.optimisation.crop, settings.optimisation.batch
    report = Report(f"Training {settings.network.backbone}, crop {crop}, batch {batch}")
    with tempfile.TemporaryDirectory(prefix="comus-training-") as folder:
        draw(Path(folder), plan.images)
        work = Work(settings, Path(folder), 10**6, chosen.threads)
        with running(work, ours) as full:
            with running(work, plain) as peer:
                our_seconds, plain_seconds = by_turns(full, peer, plan.pairs, plan.block)
            images = plan.block * batch
            report.add("plain_images_per_second", images / statistics.median(plain_seconds), "plain loop", "im/s")
            report.add("our_images_per_second", images / statistics.median(our_seconds), "our loop", "im/s")
            report.add("ratio", quotient(plain_seconds, our_seconds), "ratio: ours over the plain loop", "x")
            for measure, words in list(MEASURES.items())[: plan.measures]:
                with running(work, ours, measure) as without:
                    mine, less = by_turns(full, without, plan.pairs_each, plan.block)
                report.add(f"{measure}_gain", quotient(less, mine), f"gain: {words}", "x")
    report.write(chosen.json)


def draw(folder: Path, images: int) -> None:
    """Photographs of real size with their masks."""
    for number in range(images):
        image, mask = (Image.fromarray(drawn) for drawn in draw_scene(number))
        scale = LONGER_SIDE / max(image.size)
        size = round(image.width * scale), round(image.height * scale)
        image.resize(size, Image.Resampling.BICUBIC).save(folder / f"{number:04d}.jpg", quality=92)
        mask.resize(size, Image.Resampling.NEAREST).save(folder / f"{number:04d}.png")


def by_turns(full: Connection, other: Connection, pairs: int, block: int) -> tuple[list[float], list[float]]:
    """Seconds of each block of both loops, (A B) (B A) …; the first pair warms up and is not counted."""
    seconds_of: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs + 1):
        for k in (0, 1) if pair % 2 else (1, 0):
            seconds = answer((full, other)[k], block)
            if pair:
                seconds_of[k].append(seconds)
    return seconds_of


@contextmanager
def running(work: Work, target: Callable[..., None], *options: Any) -> Any:
    """A loop in its process, once it has trained a step."""
    context = get_context("spawn")  # threads do not survive a fork
    here, there = context.Pipe()
    process = context.Process(target=target, args=(there, work, *options))
    process.start()
    there.close()
    try:
        here.recv()
        yield here
        here.send(0)
        process.join(30)
    finally:
        process.kill()
        process.join()


def answer(loop: Connection, steps: int) -> float:
    """Seconds that a loop needs for so many steps; `EOFError` if it has died."""
    loop.send(steps)
    return float(loop.recv())


def quotient(longer: list[float], shorter: list[float]) -> float:
    """The median over pairs of blocks."""
    return statistics.median(a / b for a, b in zip(longer, shorter, strict=True))


if __name__ == "__main__":
    main()

"""Counting pixels for a score: `python -m benchmarks.evaluation [--quick] [--json FILE]`.

The plain method makes a pass over the pixels for each pair of category and class (two comparisons, the intersection
and the union); the program counts all pairs in one pass. Both see the same arrays, held in memory, on one core, in
turns; the best of three times each counts. Then 1,449 images of PASCAL VOC's sizes are read from PNGs on disk and
counted on all cores, as `comus evaluate` does. The third part streams 5,000 images of COCO's size with 81 classes: a
few files are read again and again, since the peak of memory, not the disk, is measured.

Masks are drawn: smooth regions with void along their borders, as in real ones; the prediction is the truth moved a
little, with some regions renamed.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.report import Report, arguments
from comus_core.evaluation.image_rows import ImageRows
from comus_core.evaluation.matching import iou_matrix, match
from comus_core.evaluation.prediction_counts import MaskPair, count_images, count_prediction
from comus_core.evaluation.report import score
from comus_core.machine.peak_memory import PeakMemory
from comus_core.machine.threads import thread_count
from comus_core.proposals.pseudo_masks import from_png, to_png
from comus_core.types import FloatArray, IndexMask, IntArray

VOC, COCO = (375, 500), (480, 640)
VOC_CLASSES, COCO_CLASSES = 21, 81
VOID, REGIONS = 255, 6
LIMIT = 2 * 2**30
TURNS = 3

Method = Callable[[list[MaskPair], int], tuple[FloatArray, IntArray]]


def main() -> None:
    """Speed against the plain method, time from disk, and the peak of memory."""
    options = arguments(__doc__ or "").parse_args()
    report = Report("Counting pixels")
    count_prediction("compiled", *drawn_pair(0, (8, 8), 3), VOID, 2, 3)
    against_plain(report, 8 if options.quick else 40)
    with tempfile.TemporaryDirectory() as folder:
        from_disk(report, Path(folder), 120 if options.quick else 1449)
    with tempfile.TemporaryDirectory() as folder:
        in_bounded_memory(report, Path(folder), 300 if options.quick else 5000)
    report.write(options.json)


def against_plain(report: Report, images: int) -> None:
    """Both methods on the same arrays in memory, on one core: seconds, and whether every number is the same."""
    pairs = [drawn_pair(k, VOC, VOC_CLASSES) for k in range(images)]
    turns = [(timed(plain_scores, pairs), timed(our_scores, pairs)) for _ in range(TURNS)]
    plain, ours = (min(turn[side][0] for turn in turns) for side in (0, 1))
    (_, plain_ious, plain_table), (_, ious, table) = turns[0]
    words = f"{images} images of {VOC[1]} x {VOC[0]} pixels, {VOC_CLASSES} classes"
    report.add("plain_ms", 1000 * plain / images, f"{words}: K² passes, an image", "ms")
    report.add("one_pass_ms", 1000 * ours / images, "one pass, an image", "ms")
    report.add("speedup", plain / ours, "K² passes / one pass, one core each", "x", least=50)
    same = np.array_equal(table, plain_table) and ious.tobytes() == plain_ious.tobytes()
    report.add("same", float(same), "pixels and IoUs are the same to the last bit (1: yes)", "", least=1)


def from_disk(report: Report, folder: Path, images: int) -> None:
    """As many images as VOC's val, predictions and ground truth as PNGs: read, counted, matched and scored."""
    pairs = {f"{k:05d}": drawn_pair(k, VOC, VOC_CLASSES) for k in range(24)}
    for k in range(images):
        write_pair(folder, f"{k:05d}", pairs[f"{k % 24:05d}"])
    names = [f"{k:05d}" for k in range(images)]
    drop_caches(folder)
    begun = time.perf_counter()
    total, rows = counted(folder, names, VOC_CLASSES)
    found = score(total, match(total), [str(k) for k in range(VOC_CLASSES)])
    seconds = time.perf_counter() - begun
    words = f"{images:,} images from PNGs to mIoU {found.miou:.2f}, {thread_count()} threads"
    report.add("disk_s", seconds, words, "s", target=40)
    report.add("disk_same", float(np.array_equal(rows.contingency, total)), "rows add up to the table (1: yes)", "")


def in_bounded_memory(report: Report, folder: Path, images: int) -> None:
    """The peak of memory over many images of 81 classes, their rows kept for the pages."""
    distinct = 16
    for k in range(distinct):
        write_pair(folder, f"{k:05d}", drawn_pair(k, COCO, COCO_CLASSES))
    names = [f"{k % distinct:05d}" for k in range(images)]
    begun = time.perf_counter()
    with PeakMemory() as peak:
        total, _ = counted(folder, names, COCO_CLASSES)
        score(total, match(total), [str(k) for k in range(COCO_CLASSES)])
    words = f"{images:,} images of {COCO[1]} x {COCO[0]}, {COCO_CLASSES} classes"
    report.add("many_s", time.perf_counter() - begun, words, "s")
    report.add("many_peak_mb", peak.bytes / 2**20, "peak of memory, the program itself included", "MiB", LIMIT / 2**20)


def counted(folder: Path, names: list[str], classes: int) -> tuple[IntArray, ImageRows]:
    """The table of all images, and the rows of each, as `comus evaluate` keeps them."""

    def read(name: str) -> MaskPair:
        return from_png((folder / f"{name}.png").read_bytes()), from_png((folder / f"{name}-truth.png").read_bytes())

    total, parts = np.zeros((classes, classes), np.int64), []
    for number, table in enumerate(count_images(names, read, VOID, classes - 1, classes)):
        total += table
        parts.append(ImageRows.of_tables([str(number)], table[None]))
    return total, ImageRows.joined(parts)


def plain_scores(pairs: list[MaskPair], classes: int) -> tuple[FloatArray, IntArray]:
    """IoU of each pair of category and class by K² passes over the pixels, pooled over the images; and the pixels."""
    both, either = np.zeros((2, classes, classes), np.int64)
    for mask, truth in pairs:
        valid = truth != VOID
        mask, truth = mask[valid], truth[valid]
        for category in range(classes):
            for true in range(classes):
                one, other = mask == category, truth == true
                both[category, true] += np.count_nonzero(one & other)
                either[category, true] += np.count_nonzero(one | other)
    return both / np.maximum(either, 1), both


def our_scores(pairs: list[MaskPair], classes: int) -> tuple[FloatArray, IntArray]:
    """The same by one pass."""
    table = np.zeros((classes, classes), np.int64)
    for mask, truth in pairs:
        table += count_prediction("image", mask, truth, VOID, classes - 1, classes)
    return iou_matrix(table), table


def timed(method: Method, pairs: list[MaskPair]) -> tuple[float, FloatArray, IntArray]:
    """Seconds, and what it gives."""
    begun = time.perf_counter()
    ious, table = method(pairs, VOC_CLASSES)
    return time.perf_counter() - begun, ious, table


def drawn_pair(seed: int, size_hw: tuple[int, int], classes: int) -> MaskPair:
    """A predicted and a true mask, (H, W) uint8 each: smooth regions of some classes, void along their borders."""
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal(size_hw), min(size_hw) / 8) for _ in range(REGIONS)]
    region = np.argmax(fields, axis=0)
    names = np.concatenate([[0, 0], rng.integers(1, classes, REGIONS - 2)])
    truth: IndexMask = names[region].astype(np.uint8)
    mask = np.roll(truth, (3, -5), (0, 1))
    renamed = rng.random(classes) < 0.2
    mask = np.where(renamed[mask], rng.integers(0, classes, classes).astype(np.uint8)[mask], mask)
    border = (truth != np.roll(truth, 2, 0)) | (truth != np.roll(truth, 2, 1))
    truth[border] = VOID
    return mask, truth


def write_pair(folder: Path, name: str, pair: MaskPair) -> None:
    """Both as palette PNGs."""
    for suffix, mask in zip(("", "-truth"), pair, strict=True):
        (folder / f"{name}{suffix}.png").write_bytes(to_png(mask))


def drop_caches(folder: Path) -> None:
    """Let the system forget the files, where it lets a program ask for that, so that they come from the disk."""
    os.sync()
    for file in folder.iterdir():
        with file.open("rb") as opened:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()

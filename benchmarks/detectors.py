"""Detectors on photographs with true masks: `python -m benchmarks.detectors FOLDER [--detectors A,B] [--refine WAY]`.

FOLDER holds `images/*.jpg` and `masks/*.png` of the same stem, as ECSSD does. Nothing is learned from the masks: they
only judge. IoU and MAE are means over images, at the size of the image. Decoding is not counted. `ratio` is how many
times as many images a second the first detector does as the second, in the same run.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.report import Report, arguments
from comus_core.config import SaliencySettings
from comus_core.machine.peak_memory import PeakMemory
from comus_core.proposals.resizing import resize_bilinear
from comus_core.saliency.detectors import load_detector

DETECTORS = "comus,u2netp,mbd,dsr,rbd,mc"
THRESHOLDS = np.arange(1, 20) / 20
BATCH = 16
MEGABYTE = 1e6


def main() -> None:
    """Judge each detector."""
    parser = arguments(__doc__ or "")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with images/*.jpg and masks/*.png")
    parser.add_argument("--detectors", default=DETECTORS, metavar="A,B", help=f"default: {DETECTORS}")
    parser.add_argument("--refine", default="none", metavar="WAY", help="none, guided, bilateral or crf")
    options = parser.parse_args()
    report = Report("Detectors")
    files = sorted((options.folder / "images").glob("*.jpg"))[:: 10 if options.quick else 1]
    if not files:
        parser.error(f"{options.folder}/images holds no *.jpg")
    names = options.detectors.split(",")
    for name in names:
        judge(report, name, files, SaliencySettings(detector=name, refine=options.refine))
    if len(names) > 1:
        ratio = report.figures[f"{names[0]}_speed"] / report.figures[f"{names[1]}_speed"]
        report.add("ratio", ratio, f"images a second, {names[0]} over {names[1]}", "x")
    report.write(options.json)


def judge(report: Report, name: str, files: list[Path], settings: SaliencySettings) -> None:
    """All figures of one detector."""
    before = resident()
    detector = load_detector(settings)
    detector.soft_maps([np.asarray(Image.open(files[0]).convert("RGB"))], [""])  # compiles what is compiled
    fixed, adaptive, errors, spent, worked = [], [], [], 0.0, 0.0
    with PeakMemory() as memory:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            images = [np.asarray(Image.open(file).convert("RGB")) for file in batch]
            begun, used = time.perf_counter(), time.process_time()
            maps = detector.soft_maps(images, [file.stem for file in batch])
            spent += time.perf_counter() - begun
            worked += time.process_time() - used
            for file, soft in zip(batch, maps, strict=True):
                truth = np.asarray(Image.open(file.parents[1] / "masks" / f"{file.stem}.png")) > 0
                soft = resize_bilinear(soft, (truth.shape[0], truth.shape[1]))
                fixed.append([iou(soft > threshold, truth) for threshold in THRESHOLDS])
                adaptive.append(iou(soft >= max(min(2 * float(soft.mean()), float(soft.max())), 1e-6), truth))
                errors.append(float(np.abs(soft - truth).mean()))
    mean = np.mean(fixed, axis=0)
    best = int(mean.argmax())
    words = {
        "half": (float(mean[THRESHOLDS == 0.5][0]), "mean IoU at 0.5"),
        "best": (float(mean[best]), f"mean IoU at the best fixed threshold, {THRESHOLDS[best]:.2f}"),
        "adaptive": (float(np.mean(adaptive)), "mean IoU at twice the map's mean"),
        "mae": (float(np.mean(errors)), "mean absolute error"),
    }
    for key, (value, text) in words.items():
        report.add(f"{name}_{key}", value, f"{name}: {text}", "")
    ours = name == "comus"
    report.add(
        f"{name}_speed", len(files) / spent, f"{name}: images a second on all cores", "1/s", least=6 if ours else None
    )
    report.add(f"{name}_cpu", worked / len(files), f"{name}: seconds of a core an image", "s")
    more, most = (memory.bytes - before) / MEGABYTE, 300 if ours else None
    report.add(f"{name}_memory", more, f"{name}: memory at most, beyond what was in use", "MB", most)


def resident() -> int:
    """Bytes of main memory that this process uses now, with PyTorch loaded."""
    import torch  # noqa: F401

    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((mask & truth).sum() / max((mask | truth).sum(), 1))


if __name__ == "__main__":
    main()

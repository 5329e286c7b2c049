"""Our detector, from files to soft maps: `python -m benchmarks.saliency [--quick] [--json FILE]`.

The plain way is a loop over a `DataLoader` (a worker process for each processor) that opens each image with Pillow,
resizes it and calls the network as it was trained. Ours is what the saliency stage does. Both have the same drawn JPEG
files, the same weights and threads, and take turns in this process; the best of three turns counts. `ratio` is ours
over plain, in images a second, and `work` in seconds of a processor, worker processes included, which other load on the
machine changes less; `difference` is the largest between two maps, of which 1/255 is one step as stored.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.features import TARGET, TURNS, drawn_images, processor_seconds
from benchmarks.report import Report, arguments
from comus_core.config import SaliencySettings
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.reading import image_batches, read_ahead
from comus_core.datasets.records import Dataset
from comus_core.machine.device import cpu_cores
from comus_core.saliency.detectors import load_detector
from comus_core.saliency.preprocessing import resize_antialiased
from comus_core.saliency.trained.network_file import read_network
from comus_core.weights.store import locate

WAYS = ("plain", "ours")


def main() -> None:
    """Both ways in turns."""
    options = arguments(__doc__ or "").parse_args()
    report, seconds, work = Report("Our detector"), dict.fromkeys(WAYS, np.inf), dict.fromkeys(WAYS, np.inf)
    detector: Any = load_detector(SaliencySettings(detector="comus"))
    network, maps = read_network(locate("comus"), "cpu"), dict[str, list[Any]]()
    with tempfile.TemporaryDirectory() as place:
        dataset = open_dataset(str(drawn_images(Path(place), 32 if options.quick else 256)), Path(place))
        for _ in range(1 if options.quick else TURNS):
            for name in WAYS:
                begun, used = time.perf_counter(), processor_seconds()
                maps[name] = ours(detector, dataset) if name == "ours" else plain(network, detector.side, dataset)
                seconds[name] = min(seconds[name], time.perf_counter() - begun)
                work[name] = min(work[name], processor_seconds() - used)
    for name, spent in seconds.items():
        report.add(name, len(dataset.files) / spent, f"images a second, {name}", "1/s")
    difference = max(float(np.abs(a - b).max()) for a, b in zip(*maps.values(), strict=True))
    report.add("difference", difference, "largest difference of two maps", "", 1 / 255)
    report.add("work", work["plain"] / work["ours"], "seconds of a processor, plain over ours", "x")
    report.add("ratio", seconds["plain"] / seconds["ours"], "ours over plain", "x", least=TARGET)
    report.write(options.json)


def ours(detector: Any, dataset: Dataset) -> list[Any]:
    """As the saliency stage does it."""
    ids, maps = [file.image_id for file in dataset.files], []
    for batch in image_batches(read_ahead(dataset, ids, detector.at_least), detector.batch_size):
        maps += detector.soft_maps(batch, [""] * len(batch))
    return maps


def plain(network: Any, side: int, dataset: Dataset) -> list[Any]:
    """A loop over a DataLoader."""
    files = Images([file.path for file in dataset.files], side)
    with torch.inference_mode():
        parts = [network(batch)[:, 0].sigmoid().numpy() for batch in DataLoader(files, 8, num_workers=cpu_cores())]
    return list(np.concatenate(parts))


class Images(torch.utils.data.Dataset[Any]):
    """What the network sees of each file."""

    def __init__(self, paths: list[Path], side: int) -> None:
        self.paths, self.side = paths, side

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        """(3, side, side)."""
        image = np.asarray(Image.open(self.paths[index]).convert("RGB"))
        return torch.from_numpy(resize_antialiased(image, self.side).copy()).permute(2, 0, 1)


if __name__ == "__main__":
    main()

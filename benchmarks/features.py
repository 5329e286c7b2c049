"""Vectors of crops, from files to numbers: `python -m benchmarks.features [--quick] [--json FILE]`.

The plain way is a loop over a `DataLoader` (two worker processes) that opens each image with Pillow, crops, resizes and
normalises with torchvision, and calls timm's network in float32. Ours is what the features stage does, in float32 and
in bfloat16 (`features.precision`). Both have the same drawn JPEG files, the same weights and the same threads, and take
turns in this process; the best of three turns counts. ViT-S/16 has random weights, for only its time is measured, and
EfficientNet-Lite0 its own. `ratio` is the least over the two networks of our faster faithful way against the plain way;
a way is faithful if its least cosine to float32 is 0.999 or more. `work` is the same of seconds of a processor, worker
processes included, which other load on the machine changes less.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from benchmarks.report import Report, arguments
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.reading import read_ahead
from comus_core.datasets.records import Dataset
from comus_core.features.crops import crop_box
from comus_core.features.encoders import encoder_spec, load_encoder
from comus_core.features.network_encoder import NetworkEncoder, Views
from comus_core.features.precision import FAITHFUL, least_cosine
from comus_core.features.vit import class_attention, final_cls, final_tokens, last_keys
from comus_core.machine.device import cpu_cores
from comus_core.stages.vectors import encoded
from comus_core.types import RgbImage

TURNS, TARGET = 3, 1.3
SIZE, BOX = (500, 375), (60, 40, 420, 340)


def main() -> None:
    """Both networks, both ways."""
    options = arguments(__doc__ or "").parse_args()
    report, ratios = Report("Features"), []
    with tempfile.TemporaryDirectory() as place:
        folder = drawn_images(Path(place), 32 if options.quick else 256)
        dataset = open_dataset(str(folder), Path(place))
        for key, encoder in (("lite0", load_encoder("efficientnet-lite0")), ("vits16", random_vit())):
            ratios.append(judge(report, key, encoder, dataset, 1 if options.quick else TURNS))
    report.add("ratio", min(ratios), "the lesser of the two", "x", least=TARGET)
    report.write(options.json)


def judge(report: Report, key: str, encoder: Any, dataset: Dataset, turns: int) -> float:
    """The figures of one network; how many times as fast the best faithful way is as the plain one."""
    network = deepcopy(encoder.network).to(memory_format=torch.contiguous_format)  # as timm gives it
    ways: dict[str, Callable[[], Any]] = {
        "plain": lambda: plain(encoder, network, dataset),
        "float32": lambda: ours(encoder, dataset),
        "bfloat16": lambda: ours(replace(encoder, precision="bfloat16"), dataset),
    }
    seconds, work = dict.fromkeys(ways, float("inf")), dict.fromkeys(ways, float("inf"))
    vectors: dict[str, Any] = {}
    for _ in range(turns):
        for name, way in ways.items():
            begun, used = time.perf_counter(), processor_seconds()
            vectors[name] = way()
            seconds[name] = min(seconds[name], time.perf_counter() - begun)
            work[name] = min(work[name], processor_seconds() - used)
    for name, spent in seconds.items():
        report.add(f"{key}_{name}", len(dataset.files) / spent, f"{key}: crops a second, {name}", "1/s")
    cosine = least_cosine(vectors["float32"], vectors["bfloat16"])
    report.add(f"{key}_cosine", cosine, f"{key}: least cosine of bfloat16 to float32", "", least=FAITHFUL)
    ours_named = ["float32", "bfloat16"] if cosine >= FAITHFUL else ["float32"]
    fast = max(seconds["plain"] / seconds[name] for name in ours_named)
    same = seconds["plain"] / seconds["float32"]
    report.add(f"{key}_work", max(work["plain"] / work[n] for n in ours_named), f"{key}: seconds of a processor", "x")
    report.add(f"{key}_same_precision", same, f"{key}: float32 against plain", "x")
    report.add(f"{key}_ratio", fast, f"{key}: the faster faithful way against plain", "x", least=TARGET)
    return fast


def ours(encoder: Any, dataset: Dataset) -> Any:
    """As the features stage does it."""

    def crops() -> Iterator[RgbImage]:
        for image in read_ahead(dataset, [file.image_id for file in dataset.files]):
            yield crop_box(image, BOX)

    return encoded(encoder, crops(), lambda _: None)


def plain(encoder: Any, network: Any, dataset: Dataset) -> Any:
    """A loop over a DataLoader."""
    spec = encoder.spec
    steps = [v2.ToImage(), v2.Resize((spec.crop_size, spec.crop_size), antialias=False)]
    steps += [v2.ToDtype(torch.float32, scale=True), v2.Normalize(spec.mean, spec.std)]
    files = Crops([file.path for file in dataset.files], v2.Compose(steps))
    loader = DataLoader(files, batch_size=encoder.batch_size, num_workers=cpu_cores())
    with torch.inference_mode():
        parts = [encoder.views.vectors(network, batch).numpy() for batch in loader]
    return np.concatenate(parts)


class Crops(torch.utils.data.Dataset[Any]):
    """One crop a file."""

    def __init__(self, paths: list[Path], transform: Any) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        """The crop, prepared."""
        return self.transform(Image.open(self.paths[index]).convert("RGB").crop(BOX))


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def random_vit() -> Any:
    """ViT-S/16 with random weights as an encoder, read as DINO's is."""
    torch.manual_seed(0)
    network = timm.create_model("vit_small_patch16_224", num_classes=0, dynamic_img_size=True).eval()
    views = Views(final_cls, last_keys, final_tokens, class_attention)
    return NetworkEncoder(encoder_spec("dino-vits16"), network.requires_grad_(False), "cpu", "", views)


def drawn_images(folder: Path, count: int) -> Path:
    """So many JPEG files of smooth colours and edges."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir()
    for number in range(count):
        cells = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8))
        cells.resize(SIZE, Image.Resampling.BICUBIC).save(folder / "images" / f"{number:05d}.jpg", quality=90)
    return folder / "images"


if __name__ == "__main__":
    main()

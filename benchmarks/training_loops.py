"""The loops that `benchmarks.training` compares, each in a process of its own that trains as many steps as it is sent.

Processes of their own, since the way memory is kept is a setting of the whole process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from comus_core.errors import Cancelled
from comus_core.training import TrainingSettings, examples, step
from comus_core.training.crops import RATIO, training_crop
from comus_core.training.examples import CACHE_BYTES, Examples
from comus_core.training.loop import train_round
from comus_core.training.network import BACKBONES, Segmenter, new_segmenter
from comus_core.training.step import POLY_POWER, RoundSetup
from comus_core.training.tuning import kept_memory
from comus_core.types import IndexMask, Progress, RgbImage

OUTPUTS, IGNORE, SEED = 21, 255, 0
WORKERS = examples.THREADS

MEASURES = {
    "kept_memory": "freed memory is kept for the next step",
    "convolutions": "depthwise and atrous convolutions in fast forms",
    "loss_rows": "loss over pixels as rows",
    "channels_last": "network and batches in channels_last",
    "device_normalise": "batches in uint8, normalised on the device",
    "prefetch": "batches prepared ahead",
    "cache": "decoded images held in memory",
}


@dataclass(frozen=True)
class Work:
    """What every loop trains on: photographs and masks under `folder`, for `steps` at most, on `threads`."""

    settings: TrainingSettings
    folder: Path
    steps: int
    threads: int

    def names(self) -> list[str]:
        """The images' names in order."""
        return sorted(file.stem for file in self.folder.glob("*.jpg"))

    def read(self, name: str) -> tuple[RgbImage, IndexMask]:
        """Decode one image and its mask."""
        image = np.array(Image.open(self.folder / f"{name}.jpg").convert("RGB"))
        return image, np.array(Image.open(self.folder / f"{name}.png"))


def plain(pipe: Connection, work: Work) -> None:
    """A loop as in torchvision's references/segmentation: answers each number of steps with its seconds."""
    torch.set_num_threads(work.threads)
    steps = _plain_steps(work)
    next(steps)  # workers started, memory taken
    pipe.send("ready")
    while steps_due := pipe.recv():
        start = time.perf_counter()
        for _ in range(steps_due):
            next(steps)
        pipe.send(time.perf_counter() - start)
    steps.close()


def ours(pipe: Connection, work: Work, without: str | None = None) -> None:
    """Our loop, all of it or without one of `MEASURES`: answers as `plain` does."""
    torch.set_num_threads(work.threads)
    network = new_segmenter(work.settings.network, OUTPUTS, SEED)
    _leave_out(without, network)
    steps_due, start = 1, time.perf_counter()  # one step to warm up

    def on_progress(progress: Progress) -> None:
        nonlocal steps_due, start
        if progress.step < steps_due:
            return
        pipe.send(time.perf_counter() - start)
        more = pipe.recv()
        if not more:
            raise Cancelled("measured")
        steps_due, start = progress.step + more, time.perf_counter()

    shown = Examples(work.names(), work.read, 0 if without == "cache" else CACHE_BYTES)
    for name in shown.image_ids:
        shown.get(name)
    with TemporaryDirectory() as folder, nullcontext() if without == "kept_memory" else kept_memory():
        try:
            setup = RoundSetup(1, SEED, IGNORE, Path(folder), "cpu")
            train_round(network, shown, work.settings, setup, on_progress=on_progress)
        except Cancelled:
            return


class _Held(Dataset[tuple[Any, Any]]):
    """Decoded images and masks, cropped by torchvision's transforms, normalised floats in the end."""

    def __init__(self, work: Work) -> None:
        self.pairs = [
            (torch.from_numpy(image).permute(2, 0, 1).contiguous(), torch.from_numpy(mask))
            for image, mask in ((i.copy(), m.copy()) for i, m in map(work.read, work.names()))
        ]
        settings, spec = work.settings.optimisation, BACKBONES[work.settings.network.backbone]
        area, jitter = (settings.area_least, settings.area_most), settings.jitter
        steps: list[nn.Module] = [v2.RandomResizedCrop(settings.crop, area, RATIO, antialias=True)]
        if settings.flip:
            steps.append(v2.RandomHorizontalFlip(0.5))
        if jitter:
            steps.append(v2.ColorJitter(jitter, jitter, jitter))
        kinds = {tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64}
        self.transform = v2.Compose([*steps, v2.ToDtype(kinds, scale=True), v2.Normalize(spec.mean, spec.std)])

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, mask = self.pairs[index]
        return self.transform(tv_tensors.Image(image), tv_tensors.Mask(mask))  # type: ignore[no-any-return]


def _plain_steps(work: Work) -> Iterator[float]:
    settings = work.settings.optimisation
    network = new_segmenter(work.settings.network, OUTPUTS, SEED).to(memory_format=torch.contiguous_format).train()
    loader = DataLoader(
        _Held(work), settings.batch, shuffle=True, num_workers=WORKERS, drop_last=True, persistent_workers=True
    )
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    optimiser = kind(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: (1 - step / work.steps) ** POLY_POWER)
    for _ in count():
        for image, target in loader:
            scores = network.head(network.backbone(image)[-1])
            scores = functional.interpolate(scores, image.shape[-2:], mode="bilinear", align_corners=False)
            loss = functional.cross_entropy(scores, target, ignore_index=IGNORE)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            yield loss.item()


def _leave_out(measure: str | None, network: Segmenter) -> None:
    """Take one measure from this process's loop; `cache` and `kept_memory` are left to the caller."""
    vars_of_step, vars_of_examples = vars(step), vars(examples)
    if measure == "convolutions":
        vars_of_step["FasterConvolutions"] = nullcontext
    elif measure == "loss_rows":
        vars_of_step["summed_loss"] = _over_planes
    elif measure == "prefetch":
        vars_of_examples["AHEAD"] = 1  # begun when it is needed
    elif measure == "channels_last":
        network.to(memory_format=torch.contiguous_format)
        vars(network)["coarse"] = lambda pixels: network.head(network.backbone(_normalised(pixels, network))[-1])
    elif measure == "device_normalise":
        vars(network)["coarse"] = lambda pixels: network.head(
            network.backbone(pixels.contiguous(memory_format=torch.channels_last))[-1]
        )

        def crop(*arguments: Any) -> tuple[Tensor, Tensor]:
            pixels, labels = training_crop(*arguments)
            return _normalised(pixels[None], network)[0], labels

        vars_of_examples["training_crop"] = crop


def _normalised(pixels: Tensor, network: Segmenter) -> Tensor:
    return (pixels.float() / 255 - network.mean) / network.std


def _over_planes(scores: Tensor, labels: Tensor, ignore: int) -> Tensor:
    return functional.cross_entropy(scores, labels, ignore_index=ignore, reduction="sum")

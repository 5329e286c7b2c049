"""Previews of a network in training: masks of a few images and their score, from a copy, so that nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from comus_core.datasets.reading import image_batches
from comus_core.errors import ComusError
from comus_core.files.atomic import replacing
from comus_core.proposals.pseudo_masks import to_png
from comus_core.training.prediction import predict
from comus_core.training.preview_plan import FOLDER, IMAGES, PreviewImages, PreviewPlan, preview_file
from comus_core.training.settings import PredictionSettings
from comus_core.types import IndexMask

BATCH = 8  # images predicted at once


class PreviewRunner:
    """The previews of one round: masks as the round's own will be, with the same views, saliency and refinement.

    The network in training lends its weights; dropout and batch norm rest in the copy. `network` is copied. The
    examples' masks go below `folder`, that of the network's artifact in the making. `on_preview` is called with each
    step, mIoU in percent or None, and number of images scored; `log` with the reason why previews ended, if they did.
    """

    def __init__(
        self,
        network: nn.Module,
        plan: PreviewPlan,
        settings: PredictionSettings,
        folder: Path,
        device: str,
        on_preview: Callable[[int, float | None, int], None],
        log: Callable[[str], None],
    ) -> None:
        self.network: Any = deepcopy(network).eval().requires_grad_(False)
        self.plan, self.settings, self.folder, self.device = plan, settings, folder, device
        self.on_preview, self.log = on_preview, log
        self.ended = False

    def is_due(self, step: int, steps: int) -> bool:
        """Whether there is a preview after `step` of `steps`."""
        return not self.ended and self.plan.is_due(step, steps)

    def show(self, step: int, weights: Mapping[str, Tensor]) -> None:
        """Try the weights; a fault ends the previews, never the training."""
        try:
            self.network.load_state_dict(weights)
            self._keep_examples(step)
            self.on_preview(step, self._score(), len(self.plan.scored.ids))
        except (ComusError, OSError, MemoryError, torch.OutOfMemoryError) as fault:
            self.ended = True
            self.log(f"step {step}: no more previews in this round: {fault}")

    def _keep_examples(self, step: int) -> None:
        images = self.folder / FOLDER / IMAGES
        if not images.exists():
            with replacing(images) as temporary:
                temporary.write_text(json.dumps(self.plan.examples.ids))
        for number, mask in enumerate(self._masks(self.plan.examples)):
            with replacing(preview_file(self.folder, step, number)) as temporary:
                temporary.write_bytes(to_png(mask))

    def _score(self) -> float | None:
        masks = zip(self.plan.scored.ids, self._masks(self.plan.scored), strict=True)
        counts = [self.plan.count(image_id, mask) for image_id, mask in masks]
        return self.plan.score(sum(counts[1:], counts[0])) if counts else None

    def _masks(self, images: PreviewImages) -> Iterator[IndexMask]:
        done = 0
        for pictures in image_batches(map(images.read, images.ids), BATCH):
            ids = images.ids[done : done + len(pictures)]
            done += len(pictures)
            soft_maps = [images.soft_map(image_id) for image_id in ids] if images.soft_map is not None else None
            for mask, _ in predict(
                self.network,
                pictures,
                self.settings,
                self.device,
                soft_maps=soft_maps,
                classify=self.plan.classify,
            ):
                yield mask

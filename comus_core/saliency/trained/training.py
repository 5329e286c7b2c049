"""Both generations of our own detector, epoch by epoch; a training that was stopped goes on from its last epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from comus_core.files.atomic import replacing
from comus_core.saliency.trained.generation import Bytes, Examples, Generation
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.saliency.trained.targets import MovingAverage, certain, fused, is_salient
from comus_core.types import OnProgress, Progress

CHECKPOINT = "checkpoint.pt"
FIRST, SECOND = "network 1", "network 2"  # stages of the progress


@dataclass
class State:
    """Where a training stands.

    Attributes:
        history: a record of each epoch: network (1 or 2), epoch, loss.
        maps: what the second network learns, (n, 1, h, w) uint8; None while the first is trained.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    maps: Bytes | None = None


class DetectorTraining:
    """The training of one detector in a folder of its own."""

    def __init__(
        self, examples: Examples, recipe: SaliencyRecipe, folder: Path, device: str, on_progress: OnProgress
    ) -> None:
        """`examples.maps` are those of the priors, one a head."""
        self.examples, self.recipe, self.folder, self.device = examples, recipe, folder, device
        self.on_progress, self.state = on_progress, State()
        self.average = MovingAverage(examples.maps.shape, recipe.keep)

    def run(self) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
        """The weights of the second network by name, and the history; the checkpoint is left to the caller.

        Raises:
            Cancelled: as `on_progress` raises it; the epochs that are done are kept.
        """
        saved = self._saved()
        if self.state.maps is None:
            self._first(saved)
            saved = None
        generation = self._second(saved)
        weights = generation.network.state_dict()
        return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, self.state.history

    def _first(self, saved: dict[str, Any] | None) -> None:
        recipe, settings = self.recipe, self.recipe.first
        generation = Generation(len(recipe.priors), len(self.examples), settings, recipe.seed, self.device)
        generation.restore(saved)
        begun = certain(self.examples.maps)
        while generation.epoch < settings.epochs:
            maps = begun if generation.epoch < recipe.warm else is_salient(self.average.values)
            self._epoch(FIRST, generation, Examples(self.examples.pixels, maps), self.average)
        self.state.maps = fused(self.average.values, self.examples.pixels, recipe.refine)
        del self.average  # some hundred megabytes that the second network does not need

    def _second(self, saved: dict[str, Any] | None) -> Generation:
        recipe, settings, maps = self.recipe, self.recipe.second, self.state.maps
        assert maps is not None
        generation = Generation(1, len(self.examples), settings, recipe.seed + 1, self.device, recipe.crop)
        generation.restore(saved)
        while generation.epoch < settings.epochs:
            self._epoch(SECOND, generation, Examples(self.examples.pixels, maps), None)
        return generation

    def _epoch(self, stage: str, generation: Generation, examples: Examples, average: MovingAverage | None) -> None:
        steps = generation.per_epoch * generation.settings.epochs
        loss = generation.run_epoch(
            examples,
            lambda step, _: self.on_progress(Progress(stage, step, steps)),
            average.add if average is not None else None,
        )
        number = 1 if stage == FIRST else 2
        self.state.history.append({"network": number, "epoch": generation.epoch, "loss": loss})
        self._save(generation)

    def _save(self, generation: Generation) -> None:
        content = {"generation": generation.saved(), "history": self.state.history}
        if self.state.maps is None:
            content |= {"average": torch.from_numpy(self.average.values), "begun": torch.from_numpy(self.average.begun)}
        else:
            content["maps"] = torch.from_numpy(self.state.maps)
        with replacing(self.folder / CHECKPOINT) as temporary:
            torch.save(content, temporary)

    def _saved(self) -> dict[str, Any] | None:
        """What an earlier process left, if it can be read; the state and the average are put back."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return None
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:  # whatever a damaged file makes the reader raise: the training begins anew
            return None
        maps = content.get("maps")
        self.state = State(content["history"], None if maps is None else np.asarray(maps))
        if maps is None:
            self.average.values, self.average.begun = np.asarray(content["average"]), np.asarray(content["begun"])
        generation: dict[str, Any] = content["generation"]
        return generation

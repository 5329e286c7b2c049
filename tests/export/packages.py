"""A trained run, a package of its round, and images of three sizes, for the tests of packages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.datasets.decoding import read_rgb
from comus_core.runs.run_round import RunRound
from comus_core.training.input_size import input_size, resized
from comus_core.workspace import Run, Workspace

DOCS = Path(__file__).parents[2] / "docs" / "packages.md"
# A training of seconds after which masks hold several categories.
SEEING = {
    "optimisation.crop": 64,
    "optimisation.batch": 8,
    "optimisation.learning_rate": 1e-3,
    "optimisation.ema": 0.8,
    "prediction.size": 96,
    "network.head_channels": 16,
    "preview_every": 0,
    "epochs": 40,
    "rounds": 1,
}


@dataclass(frozen=True)
class Packaged:
    """A round, and what `package` made of it."""

    workspace: Workspace
    run: Run
    subject: RunRound
    folder: Path
    result: dict[str, Any]


def inputs_of(image, settings):
    """What the model is given of an image."""
    return resized(image, input_size(image, settings))[None], np.array(image.shape[:2])


def drawn_images(folder: Path, count: int = 3):
    """The first images of a drawn folder; each has its own size."""
    return [read_rgb(path) for path in sorted((folder / "images").iterdir())[:count]]


def snippet() -> str:
    """The first block of Python in the documentation of packages."""
    return re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL).group(1)

"""Two runs of the same drawn photographs, the first of them trained for one round."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comus_core import Run, Workspace, discover, make_config
from comus_core.pipelines.train import train
from comus_core.training import TrainSettings, make_training
from comus_core.workspace.trainings import Training
from tests.builders import TINY_TRAINING, copy_of, write_vectors


@dataclass(frozen=True)
class Pair:
    workspace: Workspace
    run: Run
    other: Run
    training: Training


def make_pair(finished, drawn: Path, settings: dict, root: Path) -> Pair:
    """In a copy of the finished workspace; the other run has noisy vectors and a cluster more."""
    workspace, _ = copy_of(finished, root)
    vectors = write_vectors(drawn, root / "noisy.npz", noise=4.0)
    clustering = {"clusters": 4, "neighbours": 6}
    changed = {"features": {"encoder": f"file:{vectors}"}, "clustering": clustering}
    other = discover(make_config(**{**settings, **changed}), workspace)
    run = workspace.runs.get(finished[1].id)
    return Pair(workspace, run, other, train(run, workspace, TrainSettings(make_training(**TINY_TRAINING))))


def half(view) -> tuple[tuple[float, float], ...]:
    """A polygon around the left half of a run's t-SNE map."""
    points = view.points("tsne").astype(float)
    (x0, y0), (_, y1), middle = points.min(axis=0) - 1, points.max(axis=0) + 1, float(np.median(points[:, 0]))
    return ((x0, y0), (middle, y0), (middle, y1), (x0, y1))

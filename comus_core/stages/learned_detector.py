"""What a saliency detector learns from the images of a run before it finds anything in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.errors import WorkspaceError
from comus_core.runs import artifact_readers as tables
from comus_core.stages.context import StageContext
from comus_core.types import FloatArray
from comus_core.workspace import Artifact, Run, Workspace

FILE = "learned.npz"
KIND = "learned_detector"


def learned_detector(context: StageContext, images: Artifact) -> Artifact | None:
    """What the detector learned: of the run that is applied, else of these images; None of one that does not learn.

    The images are drawn with the run's seed from those that can be used; which they are follows from the key.
    """
    from comus_core.datasets.reading import read_ahead
    from comus_core.saliency.detectors import detector_fingerprint, detector_spec

    settings = context.config.saliency
    learner = detector_spec(settings.detector).learner
    if learner is None:
        return None
    if context.learned is not None:
        return context.learned
    seed, count = context.config.seed, learner.images(settings)

    def write(folder: Path) -> None:
        chosen = drawn_images(tables.usable_ids(images), count, seed)
        pictures = read_ahead(context.dataset, chosen, learner.at_least(settings))
        learned: dict[str, Any] = dict(learner.fit(settings, context.device, pictures, seed))
        np.savez(folder / FILE, **learned)

    identity = detector_fingerprint(
        replace(settings, refine="none"), context.dataset.files
    )  # its maps are refined later
    values = identity.settings | {"seed": seed, "training": learner.version}
    key = context.key(KIND, values, identity.weights, images=images)
    return context.make("saliency", key, None, write, announce=False)


def drawn_images(image_ids: Sequence[str], count: int, seed: int) -> list[str]:
    """`count` ids, or all if there are fewer, the same for the same ids in whatever order; sorted."""
    known = sorted(image_ids)
    rows = np.random.default_rng(seed).permutation(len(known))[:count]
    return [known[row] for row in sorted(rows)]


def read_learned(artifact: Artifact) -> Mapping[str, FloatArray]:
    """What was learned: arrays by name.

    Raises:
        WorkspaceError: the file is missing or damaged.
    """
    with artifact.reading(FILE) as path, np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def learned_in(workspace: Workspace, run: Run) -> Artifact | None:
    """What the detector of a run learned from its images; None of one that does not learn.

    Raises:
        WorkspaceError: it is not in this workspace, as after a bundle was opened.
    """
    from comus_core.saliency.detectors import DETECTORS

    name = run.config.saliency.detector
    if name not in DETECTORS or DETECTORS[name].learner is None or "soft_maps" not in run.artifacts:
        return None
    inputs = workspace.artifact(run, "soft_maps").manifest()["key"]["inputs"]
    found = workspace.artifacts.find(KIND, inputs["learned"])
    if found is None:
        raise WorkspaceError(
            f"run {run.id}: what its detector '{name}' learned is not in this workspace; run it here on its images"
        )
    return found

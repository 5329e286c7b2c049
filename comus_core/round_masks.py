"""What the rounds of a training predict for a run's own images, to be looked at. No torch."""

from __future__ import annotations

from comus_core.pseudo_masks import from_png
from comus_core.run_view import RunView
from comus_core.types import IndexMask
from comus_core.workspace import Artifact


def rounds_of(view: RunView) -> dict[int, Artifact]:
    """Round -> predictions of the run's own images, of the training last touched that has any; in order."""
    store = view.workspace.artifacts
    for training in view.workspace.trainings.of_run(view.run.id):
        found: dict[int, Artifact] = {}
        for name, fingerprint in training.artifacts.items():
            kind, _, number = name.rpartition("-")
            artifact = store.find("predictions", fingerprint) if kind == "predictions" else None
            if artifact is not None and artifact.manifest()["key"]["inputs"]["images"] == view.run.artifacts["images"]:
                found[int(number)] = artifact
        if found:
            return dict(sorted(found.items()))
    return {}


def round_mask(predictions: Artifact, image_id: str) -> IndexMask | None:
    """The (H, W) mask of one image, 0 background, category + 1; None if the image has none."""
    table = predictions.table(["image_id", "file"]).to_pydict()
    if image_id not in table["image_id"]:
        return None
    file = table["file"][table["image_id"].index(image_id)]
    with predictions.reading(file) as path:
        return from_png(path.read_bytes())

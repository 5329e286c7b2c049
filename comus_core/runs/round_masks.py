"""What the rounds of a training predict for a run's own images, to be looked at. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.run_view import RunView
from comus_core.runs.trained_categories import trained_ids, trained_names
from comus_core.types import ImageId, IndexMask
from comus_core.workspace import Artifact, Run
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.trainings import Training


def rounds_of(view: RunView) -> dict[int, Artifact]:
    """Round -> predictions of the run's own images, of the training last touched that has any; in order."""
    return _last_training(view)[1]


def categories_of_rounds(view: RunView) -> tuple[int, ...]:
    """(C,) ids of the categories that these rounds predict; () if there are none."""
    training = _last_training(view)[0]
    return trained_ids(training) if training is not None else ()


def training_of_rounds(view: RunView) -> Training | None:
    """The training whose rounds these are; None if there are none."""
    return _last_training(view)[0]


def names_of_rounds(view: RunView, decided: Decisions) -> tuple[str, ...]:
    """(C,) their names; () if there are none."""
    training = _last_training(view)[0]
    return trained_names(training, decided) if training is not None else ()


def is_of_run(predictions: Artifact, run: Run) -> bool:
    """Whether a round's masks are of the run's own images."""
    return bool(predictions.manifest()["key"]["inputs"]["images"] == run.artifacts["images"])


def _last_training(view: RunView) -> tuple[Training | None, dict[int, Artifact]]:
    store = view.workspace.artifacts
    for training in view.workspace.trainings.of_run(view.run.id):
        if "categories" not in training.result:
            continue  # it is older: nobody knows what its masks show
        rounds: dict[int, Artifact] = {}
        for name, fingerprint in training.artifacts.items():
            kind, _, number = name.rpartition("-")
            artifact = store.find("predictions", fingerprint) if kind == "predictions" else None
            if artifact is not None and is_of_run(artifact, view.run):
                rounds[int(number)] = artifact
        if rounds:
            return training, dict(sorted(rounds.items()))
    return None, {}


@dataclass(frozen=True)
class MaskReader:
    """The index masks of an artifact with `masks/`: pseudo-masks, or what a round predicted."""

    artifact: Artifact

    @cached_property
    def files(self) -> dict[ImageId, str]:
        """Image id -> path below the artifact's folder."""
        columns = self.artifact.table(["image_id", "file"]).columns
        return dict(zip(*(column.to_pylist() for column in columns), strict=True))

    def read(self, image_id: ImageId) -> IndexMask | None:
        """The (H, W) mask of an image, 0 background, category + 1; None if it has none."""
        if image_id not in self.files:
            return None
        with self.artifact.reading(self.files[image_id]) as path:
            return from_png(path.read_bytes())

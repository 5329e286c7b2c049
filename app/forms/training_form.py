"""What a person asks of a training on the page: settings, what they cost, the command, the job. No Streamlit."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any, get_args

from app.forms.run_form import given_device
from app.forms.verb_form import submit_verb
from comus_core.datasets.allowed_folders import allowed_dataset, image_roots
from comus_core.datasets.dataset import summarise
from comus_core.datasets.format import DatasetSummary
from comus_core.jobs import Job
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.training_cost import TrainingCost, training_cost
from comus_core.settings import merge
from comus_core.training import TRAINING_PRESETS, TrainingRequest, TrainingSettings, make_training
from comus_core.training.settings import Backbone, TrainSettings
from comus_core.weights import REGISTRY, Supervision, WeightFile, is_available, strongest
from comus_core.workspace import Run, Workspace

PRESET_WORDS = {
    "cpu": "For a machine without a GPU",
    "paper-voc": "The paper's for VOC",
    "paper-coco": "The paper's for COCO",
}
assert PRESET_WORDS.keys() == TRAINING_PRESETS.keys()


@dataclass(frozen=True)
class Asked:
    """The choices of the form.

    Attributes:
        preset: a key of `TRAINING_PRESETS`.
        rounds: how many.
        percent: of the filter for the first round; None is as decided in the run.
        seed: of the training.
        backbone: None is the preset's.
        images: data set that later rounds learn from; None is the run's own.
        scored_on: data set that every round is scored on; None is the run's own.
        epochs: of every round; None is the preset's.
    """

    preset: str
    rounds: int
    percent: float | None
    seed: int = 0
    backbone: str | None = None
    images: str | None = None
    scored_on: str | None = None
    epochs: int | None = None

    @property
    def settings(self) -> TrainingSettings:
        """The settings that they mean."""
        changes = {"backbone": self.backbone, "epochs": self.epochs, "later_epochs": self.epochs}
        return make_training(self.preset, **merge({"rounds": self.rounds}, changes))

    @property
    def request(self) -> TrainingRequest:
        """The request that they mean."""
        return TrainingRequest(self.images, self.scored_on, self.percent, self.seed)


@dataclass(frozen=True)
class TrainingPreview:
    """What a training will cost and owe, and what it lacks.

    Attributes:
        supervision: direct and inherited, of run and backbone together.
        missing: the first weights that it needs and that are not on this machine.
        command: the command line that does the same.
    """

    cost: TrainingCost
    supervision: dict[str, str]
    words: str
    missing: WeightFile | None
    command: str


def preview(
    workspace: Workspace, run: Run, wanted: Asked, images: int, later: int | None = None, scored: int | None = None
) -> TrainingPreview:
    """Look at a training before it starts.

    Args:
        workspace: where the run is.
        run: the run.
        wanted: the choices.
        images: how many the run has.
        later: how many the data set has that later rounds learn from, if that is another.
        scored: how many the data set has that rounds are scored on, if that is another.
    """
    settings = wanted.settings
    file = REGISTRY[settings.backbone]
    whole = strongest([Supervision(**run.provenance["supervision"]), file.supervision])
    owed = {"direct": whole.direct, "inherited": whole.inherited}
    shared = wanted.images is not None and wanted.images == wanted.scored_on
    counts: dict[str, Any] = {"later": later, "scored": scored, "shared": shared, "config": run.config}
    cost = training_cost(settings, images, workspace, given_device("auto"), **counts)
    missing = missing_weights(run, settings)
    return TrainingPreview(cost, owed, badge(owed), missing, command_line(workspace, run, wanted))


def missing_weights(run: Run, settings: TrainingSettings) -> WeightFile | None:
    """The first that a training needs, of the backbone and of the encoder that names objects, and that is not here."""
    encoder = run.config.features.encoder
    needed = [settings.backbone, *([encoder] if settings.classifier_share and encoder in REGISTRY else [])]
    return next((REGISTRY[name] for name in needed if not is_available(name)), None)


def command_line(workspace: Workspace, run: Run, wanted: Asked) -> str:
    """`comus train …` with what differs from its defaults."""
    words = ["comus", "train", run.id]
    words += ["--preset", wanted.preset] if wanted.preset != "cpu" else []
    usual = TRAINING_PRESETS[wanted.preset].get("rounds", TrainingSettings.rounds)
    words += ["--rounds", str(wanted.rounds)] if wanted.rounds != usual else []
    words += ["--images", wanted.images] if wanted.images else []
    words += ["--eval", wanted.scored_on] if wanted.scored_on else []
    words += ["--backbone", wanted.backbone] if wanted.backbone else []
    if wanted.epochs is not None:
        words += ["--set", f"epochs={wanted.epochs}", "--set", f"later_epochs={wanted.epochs}"]
    words += ["--filter", f"{wanted.percent:g}"] if wanted.percent is not None else []
    words += ["--seed", str(wanted.seed)] if wanted.seed else []
    return shlex.join([*words, "--workspace", str(workspace.root)])


def backbone_words(preset: str) -> dict[str, str]:
    """Backbones to choose from, each with its line; the preset's own first."""
    own = make_training(preset).backbone
    names = sorted(get_args(Backbone), key=lambda name: (name != own, name))
    here = {name: "" if is_available(name) else " (not on this machine)" for name in names}
    return {name: f"{name}{', as in the preset' if name == own else ''}{here[name]}" for name in names}


def dataset_of(typed: str, workspace: Workspace) -> tuple[str | None, DatasetSummary | None]:
    """The data set string that was typed, its path absolute, and what it seems to hold; both None for nothing.

    Raises:
        DatasetError: it lies outside the folders that may be read, or there is no image.
    """
    if not typed.strip():
        return None, None
    spec = allowed_dataset(typed.strip(), image_roots(workspace.root))
    return spec, summarise(spec)


def start(workspace: Workspace, run: Run, wanted: Asked) -> Job:
    """Queue the training as a job.

    Raises:
        SettingsError: it cannot work.
    """
    request = wanted.request
    values = (wanted.settings, request.images, request.scored_on, request.filter_percent, request.seed)
    return submit_verb(workspace, "train", run, TrainSettings(*values))

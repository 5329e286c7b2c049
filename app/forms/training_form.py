"""The form of a training: its settings, what they cost, the command line, the job. No Streamlit."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import get_args

from app.forms.run_form import given_device
from app.forms.verb_form import submit_verb
from comus_core.datasets.allowed_folders import allowed_dataset, image_roots
from comus_core.datasets.dataset import summarise
from comus_core.datasets.format import DatasetSummary
from comus_core.jobs import Job
from comus_core.pipelines.training_cost import TrainingCost, TrainingImages, training_cost
from comus_core.pipelines.training_record import training_supervision
from comus_core.training import TRAINING_PRESETS, TrainingSettings, TrainSettings, make_training
from comus_core.training.settings import Backbone
from comus_core.weights.registry import REGISTRY, WeightFile
from comus_core.weights.store import is_available
from comus_core.workspace import Run, Workspace

PRESET_WORDS = {
    "cpu": "For a machine without a GPU",
    "paper-voc": "The paper's settings for VOC",
    "paper-coco": "The paper's settings for COCO",
}
assert PRESET_WORDS.keys() == TRAINING_PRESETS.keys()


@dataclass(frozen=True)
class TrainingChoices:
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
    def training(self) -> TrainingSettings:
        """The settings of the training."""
        return make_training(
            self.preset,
            rounds=self.rounds,
            epochs=self.epochs,
            later_epochs=self.epochs,
            network={"backbone": self.backbone},
        )

    @property
    def settings(self) -> TrainSettings:
        """The settings of `train`."""
        return TrainSettings(self.training, self.images, self.scored_on, self.percent, self.seed)


@dataclass(frozen=True)
class TrainingPreview:
    """What a training will cost, its supervision, and what it lacks.

    Attributes:
        cost: seconds and bytes.
        supervision: direct and inherited, of run and backbone together.
        missing: the first weights that it needs and that are not on this machine.
        command: the command line that does the same.
    """

    cost: TrainingCost
    supervision: dict[str, str]
    missing: WeightFile | None
    command: str


def preview(
    workspace: Workspace,
    run: Run,
    choices: TrainingChoices,
    images: int,
    later: int | None = None,
    scored: int | None = None,
) -> TrainingPreview:
    """What the choices mean before the training starts.

    Args:
        workspace: where the run is.
        run: the run.
        choices: of the form.
        images: how many the run has.
        later: how many the data set has that later rounds learn from, if that is another.
        scored: how many the data set has that rounds are scored on, if that is another.
    """
    training = choices.training
    shared = choices.images is not None and choices.images == choices.scored_on
    counts = TrainingImages(images, later, scored, shared)
    cost = training_cost(training, counts, workspace, given_device("auto"), config=run.config)
    supervision, missing = training_supervision(run, training), missing_weights(run, training)
    return TrainingPreview(cost, supervision, missing, command_line(workspace, run, choices))


def missing_weights(run: Run, settings: TrainingSettings) -> WeightFile | None:
    """The first weights that are not here, of the backbone and of the encoder that names objects."""
    encoder = run.config.features.encoder
    named = settings.prediction.classifier_share and encoder in REGISTRY
    needed = [str(settings.network.backbone), *([encoder] if named else [])]
    return next((REGISTRY[name] for name in needed if not is_available(name)), None)


def command_line(workspace: Workspace, run: Run, choices: TrainingChoices) -> str:
    """`comus train …` with what differs from its defaults."""
    words = ["comus", "train", run.id]
    words += ["--preset", choices.preset] if choices.preset != "cpu" else []
    words += ["--rounds", str(choices.rounds)] if choices.rounds != make_training(choices.preset).rounds else []
    words += ["--images", choices.images] if choices.images else []
    words += ["--eval", choices.scored_on] if choices.scored_on else []
    words += ["--backbone", choices.backbone] if choices.backbone else []
    if choices.epochs is not None:
        words += ["--set", f"epochs={choices.epochs}", "--set", f"later_epochs={choices.epochs}"]
    words += ["--filter", f"{choices.percent:g}"] if choices.percent is not None else []
    words += ["--seed", str(choices.seed)] if choices.seed else []
    return shlex.join([*words, "--workspace", str(workspace.root)])


def backbone_words(preset: str) -> dict[str, str]:
    """Backbones to choose from, each with its line; the preset's own first."""
    own = make_training(preset).network.backbone
    names = sorted(get_args(Backbone), key=lambda name: (name != own, name))
    here = {name: "" if is_available(name) else " (not on this machine)" for name in names}
    return {name: f"{name}{', as in the preset' if name == own else ''}{here[name]}" for name in names}


def dataset_of(typed: str, workspace: Workspace) -> tuple[str | None, DatasetSummary | None]:
    """The data set string that was typed, its path absolute, and its summary; both None for an empty string.

    Raises:
        DatasetError: it lies outside the folders that may be read, or there is no image.
    """
    if not typed.strip():
        return None, None
    spec = allowed_dataset(typed.strip(), image_roots(workspace.root))
    return spec, summarise(spec)


def start(workspace: Workspace, run: Run, choices: TrainingChoices) -> Job:
    """Queue the training as a job.

    Raises:
        SettingsError: a setting cannot work.
    """
    return submit_verb(workspace, "train", run, choices.settings)

"""What a person asks of a training on the page: settings, what they cost, the command, the job. No Streamlit."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from app.run_form import given_device
from comus_core.choices import badge
from comus_core.jobs import Job, ensure_supervisor, submit
from comus_core.self_training import TRAINING_PRESETS, TrainingRequest, TrainingSettings, asked, make_training
from comus_core.self_training.cost import TrainingCost, training_cost
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
    """

    preset: str
    rounds: int
    percent: float | None
    seed: int = 0

    @property
    def settings(self) -> TrainingSettings:
        """The settings that they mean."""
        return make_training(self.preset, rounds=self.rounds)

    @property
    def request(self) -> TrainingRequest:
        """The request that they mean."""
        return TrainingRequest(filter_percent=self.percent, seed=self.seed)


@dataclass(frozen=True)
class TrainingPreview:
    """What a training will cost and owe, and what it lacks.

    Attributes:
        supervision: direct and inherited, of run and backbone together.
        missing: the backbone's weights if they are not on this machine.
        command: the command line that does the same.
    """

    cost: TrainingCost
    supervision: dict[str, str]
    words: str
    missing: WeightFile | None
    command: str


def preview(workspace: Workspace, run: Run, wanted: Asked, images: int) -> TrainingPreview:
    """Look at a training before it starts; `images` is how many the run has."""
    settings = wanted.settings
    file = REGISTRY[settings.backbone]
    whole = strongest([Supervision(**run.provenance["supervision"]), file.supervision])
    owed = {"direct": whole.direct, "inherited": whole.inherited}
    cost = training_cost(settings, images, workspace, given_device("auto"))
    missing = None if is_available(settings.backbone) else file
    return TrainingPreview(cost, owed, badge(owed), missing, command_line(workspace, run, wanted))


def command_line(workspace: Workspace, run: Run, wanted: Asked) -> str:
    """`comus train …` with what differs from its defaults."""
    words = ["comus", "train", run.id]
    words += ["--preset", wanted.preset] if wanted.preset != "cpu" else []
    usual = TRAINING_PRESETS[wanted.preset].get("rounds", TrainingSettings.rounds)
    words += ["--rounds", str(wanted.rounds)] if wanted.rounds != usual else []
    words += ["--filter", f"{wanted.percent:g}"] if wanted.percent is not None else []
    words += ["--seed", str(wanted.seed)] if wanted.seed else []
    return shlex.join([*words, "--workspace", str(workspace.root)])


def start(workspace: Workspace, run: Run, wanted: Asked) -> Job:
    """Queue the training as a job.

    Raises:
        SettingsError: it cannot work.
    """
    settings = {"run": run.id, "dataset": run.config.dataset} | asked(wanted.settings, wanted.request)
    job = submit(workspace, "train", settings)
    ensure_supervisor(workspace)
    return job

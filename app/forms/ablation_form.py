"""What a person asks of an ablation on the page: rows, what they cost, the command, the job. No Streamlit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from app.forms.run_form import given_device
from app.forms.training_form import missing_weights
from app.forms.verb_form import submit_verb
from comus_core.jobs import Job
from comus_core.pipelines.ablation_cost import ablation_cost
from comus_core.pipelines.ablation_rows import Ablation, plan
from comus_core.training import TrainingRequest, TrainingSettings, make_training
from comus_core.training.settings import AblationSettings
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class AblationPreview:
    """What an ablation will cost, and what it lacks.

    Attributes:
        seconds: of the whole.
        memory_bytes: of main memory at the peak.
        missing: name of the first weights that it needs and that are not on this machine.
        command: the command line that does the same.
    """

    seconds: float
    memory_bytes: int
    missing: str | None
    command: str


def base(preset: str) -> TrainingSettings:
    """The settings that the rows change."""
    return make_training(preset)


def asked(settings: TrainingSettings, rows: Sequence[str], seeds: int) -> Ablation:
    """The choices as an ablation; all rows are none in particular."""
    every = [row.name for row in plan(settings)]
    chosen = () if set(rows) == set(every) else tuple(name for name in every if name in rows)
    return Ablation(settings, TrainingRequest(), tuple(range(seeds)), chosen)


def preview(workspace: Workspace, run: Run, wanted: Ablation, images: int, preset: str) -> AblationPreview:
    """Look at an ablation before it starts; `images` is how many the run has."""
    cost = ablation_cost(wanted, images, workspace, given_device("auto"), config=run.config)
    trains = any(row.settings is not None for row in wanted.chosen)
    missing = missing_weights(run, wanted.settings) if trains else None
    name = missing.name if missing is not None else None
    return AblationPreview(cost.total, cost.memory_bytes, name, command_line(workspace, run, wanted, preset))


def command_line(workspace: Workspace, run: Run, wanted: Ablation, preset: str) -> str:
    """`comus ablate …` with what differs from its defaults."""
    words = ["comus", "ablate", run.id]
    words += ["--preset", preset] if preset != "cpu" else []
    words += [word for name in wanted.rows for word in ("--rows", name)]
    words += [word for seed in wanted.seeds for word in ("--seed", str(seed))] if wanted.seeds != (0,) else []
    return shlex.join([*words, "--workspace", str(workspace.root)])


def start(workspace: Workspace, run: Run, wanted: Ablation) -> Job:
    """Queue the ablation as a job.

    Raises:
        SettingsError: it cannot work.
    """
    settings = AblationSettings(wanted.settings, seeds=wanted.seeds, rows=wanted.rows)
    return submit_verb(workspace, "ablate", run, settings)

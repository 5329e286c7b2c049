"""The form of an ablation: its rows, what they cost, the command line, the job. No Streamlit."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from app.forms.run_form import given_device
from app.forms.training_form import missing_weights
from app.forms.verb_form import submit_verb
from comus_core.jobs import Job
from comus_core.pipelines.ablation_cost import ablation_cost
from comus_core.pipelines.ablation_rows import AblationSettings, plan
from comus_core.pipelines.training_cost import TrainingImages
from comus_core.training import TrainingSettings
from comus_core.workspace import Run, Workspace


@dataclass(frozen=True)
class AblationPreview:
    """What an ablation will cost, and what it lacks.

    Attributes:
        seconds: of all rows.
        memory_bytes: of main memory at the peak.
        missing: name of the first weights that it needs and that are not on this machine.
        command: the command line that does the same.
    """

    seconds: float
    memory_bytes: int
    missing: str | None
    command: str


def settings_of(base: TrainingSettings, rows: Sequence[str], seeds: int) -> AblationSettings:
    """The choices as settings; all rows are the default."""
    every = [row.name for row in plan(base)]
    chosen = () if set(rows) == set(every) else tuple(name for name in every if name in rows)
    return AblationSettings(base, seeds=tuple(range(seeds)), rows=chosen)


def preview(workspace: Workspace, run: Run, settings: AblationSettings, images: int, preset: str) -> AblationPreview:
    """What an ablation means before it starts; `images` is how many the run has."""
    cost = ablation_cost(settings, TrainingImages(images), workspace, given_device("auto"), config=run.config)
    trains = any(row.settings is not None for row in settings.chosen)
    missing = missing_weights(run, settings.training) if trains else None
    name = missing.name if missing is not None else None
    return AblationPreview(cost.total, cost.memory_bytes, name, command_line(workspace, run, settings, preset))


def command_line(workspace: Workspace, run: Run, settings: AblationSettings, preset: str) -> str:
    """`comus ablate …` with what differs from its defaults."""
    words = ["comus", "ablate", run.id]
    words += ["--preset", preset] if preset != "cpu" else []
    words += [word for name in settings.rows for word in ("--rows", name)]
    words += [word for seed in settings.seeds for word in ("--seed", str(seed))] if settings.seeds != (0,) else []
    return shlex.join([*words, "--workspace", str(workspace.root)])


def start(workspace: Workspace, run: Run, settings: AblationSettings) -> Job:
    """Queue the ablation as a job.

    Raises:
        SettingsError: a setting cannot work.
    """
    return submit_verb(workspace, "ablate", run, settings)

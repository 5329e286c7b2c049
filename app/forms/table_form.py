"""A table of the paper with the settings of a run, what it needs, and the tables that there are. No Streamlit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from app.forms.training_form import dataset_of
from app.forms.verb_form import seeds_with
from comus_core.pipelines.paper_tables.stored_tables import stored_tables
from comus_core.pipelines.paper_tables.table_plan import plan_table
from comus_core.pipelines.paper_tables.table_settings import TableNumber, TableSettings, with_run_settings
from comus_core.pipelines.training_record import settings_of
from comus_core.workspace import Run, Workspace


def settings_for(workspace: Workspace, run: Run, number: str, dataset: str, seeds: int) -> TableSettings:
    """The table with the run's detector, encoder, clustering and filter, and its last training's settings.

    `dataset` is what was typed; without it the paper's is meant.

    Raises:
        DatasetError: it lies outside the folders that may be read, or there is no image.
    """
    own = dataset.strip() == run.config.dataset  # which the run could read
    spec = run.config.dataset if own else dataset_of(dataset, workspace)[0]
    chosen = TableSettings(cast(TableNumber, number), dataset=spec, seeds=seeds_with(run.config.seed, seeds))
    trainings = workspace.trainings.of_run(run.id)
    if trainings:
        chosen = replace(chosen, training=settings_of(trainings[0]).training)
    return with_run_settings(chosen, run.config)


def needs(workspace: Workspace, settings: TableSettings) -> list[str]:
    """Data sets, what is missing and how to get it, and the time.

    Raises:
        ComusError: a data set or a setting that cannot be used.
    """
    return plan_table(settings, workspace).lines


def stored(workspace: Workspace) -> list[dict[str, Any]]:
    """The tables that were computed in the workspace, the newest first."""
    return stored_tables(workspace)

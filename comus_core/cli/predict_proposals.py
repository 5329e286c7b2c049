"""`comus predict-proposals`: what the rounds of an older training predict for each proposal."""

from __future__ import annotations

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import WORKSPACE
from comus_core.cli.runs import RUN
from comus_core.proposal_predictions import complete_trainings
from comus_core.workspace import open_workspace


@click.command("predict-proposals")
@RUN
@WORKSPACE
def predict_proposals(run_name: str, workspace: str | None) -> None:
    """Work out what the rounds of RUN predict for each proposal, to colour the map by.

    Training does so itself at the end of each round; rounds that were trained before it did need it once.
    """
    place, printer = open_workspace(workspace), ProgressPrinter()
    run = place.runs.find(run_name)
    try:
        made = complete_trainings(place, run, on_progress=printer)
    finally:
        printer.close()
    click.echo(f"{run.id}: {', '.join(made) if made else 'nothing to do, its rounds have it or there are none'}")

"""`comus compare`: is one round better than another, or was it luck with the images?"""

from __future__ import annotations

import click

from comus_core.cli.progress import ProgressPrinter
from comus_core.cli.run import DEVICE, JSON, WORKSPACE, give, run_and_round
from comus_core.cli.tables import print_comparison
from comus_core.config import Matching
from comus_core.evaluation.bootstrap import RESAMPLES
from comus_core.files.output_file import OutputFile
from comus_core.workspace import open_workspace


@click.command()
@click.argument("first", metavar="RUN[@ROUND]")
@click.argument("second", metavar="RUN[@ROUND]")
@click.argument("dataset", required=False)
@click.option("--resamples", type=int, default=RESAMPLES, show_default=True, metavar="N", help="Draws of the images.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="Of the draws.")
@click.option("--fixed-matching", is_flag=True, help="Match once on all images, not anew in every resample.")
@click.option("--matching", metavar="NAME", help="auto (default), hungarian or majority.")
@WORKSPACE
@DEVICE
@JSON
def compare(
    first: str,
    second: str,
    dataset: str | None,
    resamples: int,
    seed: int,
    fixed_matching: bool,
    matching: Matching | None,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
) -> None:
    """Score two rounds on the same images: by how many points of mIoU is the second better, and how sure is that?

    A paired bootstrap over the images answers. In place of RUN stands the id of one of its trainings where it has
    several. DATASET is the runs' own if it is not given.
    """
    from comus_core.pipelines.compare import compare as compare_rounds
    from comus_core.pipelines.verb_settings import CompareSettings
    from comus_core.runs.run_round import find_round

    place, printer = open_workspace(workspace), ProgressPrinter()
    sides = find_round(place, *run_and_round(first)), find_round(place, *run_and_round(second))
    wanted = CompareSettings(dataset, resamples, seed, fixed_matching, matching)
    try:
        result = compare_rounds(sides, place, wanted, device=device, on_progress=printer)
    finally:
        printer.close()
    give(result, json_file)
    print_comparison(result)

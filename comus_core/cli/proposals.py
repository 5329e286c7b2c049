"""`comus proposals` and `comus filter-curve`: tables to take away, the same as the pages offer."""

from __future__ import annotations

import click

from comus_core.cli.options import RUN, WORKSPACE
from comus_core.cli.paths import output_file, say_replaced, with_force
from comus_core.files.output_file import OutputFile, write_output
from comus_core.text import counted
from comus_core.workspace import open_workspace

OUTPUT = with_force(
    click.option("--output", "-o", required=True, type=output_file, help="A file that ends in .csv or .parquet.")
)
BOM = click.option(
    "--bom",
    is_flag=True,
    help="Begin a CSV with a byte order mark, as Excel wants for other letters than English ones.",
)


@click.command()
@RUN
@click.option("--selection", default="", metavar="KEY", help="What `selection=` names in the address of the map.")
@OUTPUT
@BOM
@WORKSPACE
def proposals(run_name: str, selection: str, output: OutputFile, bom: bool, workspace: str | None) -> None:
    """Write the proposals of RUN, or those selected on its map, as a table: boxes, clusters, names, ground truth."""
    from comus_core.runs.proposal_table import chosen_rows, encoded, format_of, proposal_table
    from comus_core.runs.run_view import open_run_view

    kind, place = format_of(output.path), open_workspace(workspace)
    view = open_run_view(place, place.runs.find(run_name))
    decided = place.decisions_of(view.run)
    rows = chosen_rows(view, place.selections.read(selection), decided)
    content = encoded(proposal_table(view, rows, decided), kind, bom=bom)
    say_replaced(output, write_output(output.path, content, force=output.force))
    click.echo(f"{len(rows):,} of {counted(len(view), 'proposal')}: {output}")


@click.command("filter-curve")
@RUN
@OUTPUT
@BOM
@WORKSPACE
def filter_curve(run_name: str, output: OutputFile, bom: bool, workspace: str | None) -> None:
    """Write what each filter percentage of RUN keeps and is worth, with ground truth (mIoU, precision) and without."""
    from comus_core.runs.proposal_table import encoded, format_of
    from comus_core.runs.run_view import open_run_view
    from comus_core.scoring.core_curves import core_curves, curve_of, curve_table
    from comus_core.scoring.core_precision import precision_curve, rightness
    from comus_core.scoring.round_scores import score_clusters

    kind, place = format_of(output.path), open_workspace(workspace)
    view = open_run_view(place, place.runs.find(run_name))
    decided = place.decisions_of(view.run)
    scored = curve_of(view, decided, view.run.config.matching) if view.has_truth else []
    precision = None
    if view.has_truth:
        precision = precision_curve(view, decided, rightness(view, decided, score_clusters(view, decided).matched))
    content = encoded(curve_table(core_curves(view, decided), scored, precision), kind, bom=bom)
    say_replaced(output, write_output(output.path, content, force=output.force))
    click.echo(f"filters of 0 to 100 %, ranked by {decided.filter_by}: {output}")

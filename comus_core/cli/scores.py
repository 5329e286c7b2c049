"""`comus scores`: all that a stored score tells, class by class and image by image."""

from __future__ import annotations

from typing import Any

import click

from comus_core.cli.options import JSON, WORKSPACE, give
from comus_core.config import Matching
from comus_core.files.output_file import OutputFile
from comus_core.pipelines.model_selection import badge
from comus_core.text import counted
from comus_core.workspace import open_workspace


@click.command()
@click.argument("name", metavar="RUN[@ROUND]")
@click.option("--against", metavar="RUN[@ROUND]", help="Tell the differences to another run or round.")
@click.option("--matching", metavar="NAME", help="auto, hungarian, counts or majority; default: as in the run.")
@click.option("--core", is_flag=True, help="Proposals that the filter drops count as background; of round 0.")
@click.option("--images", "most", type=int, default=5, show_default=True, metavar="N", help="How many worst and best.")
@WORKSPACE
@JSON
def scores(
    name: str,
    against: str | None,
    matching: Matching | None,
    core: bool,
    most: int,
    workspace: str | None,
    json_file: OutputFile | None,
) -> None:
    """Tell the stored score of RUN, or of a trained round of it, in full; nothing is predicted or counted anew.

    IoU, recall, precision and size of each class, how many were discovered (an IoU of 20 % and more), how far larger
    classes are found better, the confusion matrix, the worst and the best images, and the paper's row.
    """
    from comus_core.runs.run_round import find_round, split_round
    from comus_core.scoring.round_scores import score_round
    from comus_core.scoring.score_json import as_json

    place, (run_name, number) = open_workspace(workspace), split_round(name)
    if core and number:
        raise click.UsageError(f"--core: round {number} is a network, which no filter acts on; leave it out")
    scored = score_round(place, find_round(place, run_name, number), matching, filtered=core)
    other = score_round(place, find_round(place, *split_round(against)), matching) if against else None
    result = as_json(scored, other, most)
    give(result, json_file)
    print_scores(result)


def print_scores(result: dict[str, Any]) -> None:
    """The same as text."""
    found, sizes = result["discovered"], result["size_correlation"]
    rows, differences = result["per_class"], result.get("against", {}).get("differences")
    width = max(len(row["name"]) for row in [*rows, {"name": "pixels right"}])
    click.echo(f"\n{result['training'] or result['run']}@{result['round']}: {result['dataset']}")
    click.echo(f"{counted(result['images'], 'image')}; {result['matching']} matching; {badge(result['supervision'])}")
    click.echo(f"\n{'class':{width}}    IoU %" + ("  points" if differences else "") + "  recall  precision  size %")
    for row in rows:
        change = f"  {differences[row['name']]:+6.2f}" if differences else ""
        size = "–" if row["size"] is None else f"{row['size']:.1f}"
        tail = f"  {row['recall']:6.1f}  {row['precision']:9.1f}  {size:>6}"
        click.echo(f"{row['name']:{width}}   {row['iou']:6.2f}{change}{tail}")
    change = f"  {differences['mIoU']:+6.2f}" if differences else ""
    click.echo(f"{'mIoU':{width}}   {result['miou']:6.2f}{change}")
    click.echo(f"{'pixels right':{width}}   {result['pixel_accuracy']:6.2f}")
    click.echo(
        f"\n{len(found['classes'])} of {found['of']} object classes with an IoU of {found['at_least']:g} % and more"
    )
    if sizes["rho"] is not None:
        said = f"Spearman's rho {sizes['rho']:+.2f} (p = {sizes['p_value']:.2g}, {sizes['classes']} classes)"
        click.echo(f"IoU against the size of the classes: {said}")
    for row in result["paper"]:
        spread = f" ± {row['spread']}" if row["spread"] is not None else ""
        where = "" if row["same_images"] else f" on {row['data']}, other images than these"
        click.echo(f"the paper's {row['name']} ({row['table']}): {row['miou']}{spread}{where}")
    for side in ("worst", "best"):
        listed = ", ".join(f"{image['image_id']} ({image['iou']:.1f} %)" for image in result[side])
        click.echo(f"{side} images: {listed or 'none'}")

"""Results as text."""

from __future__ import annotations

from typing import Any

import click

from comus_core.cli.command_line import command_line, verb_line
from comus_core.cli.terminal import bar
from comus_core.curation.mask_decisions import follows_decisions
from comus_core.datasets.ignored_files import ignored_lines
from comus_core.machine.peak_memory import peak_words
from comus_core.pipelines.export_settings import ExportSettings
from comus_core.pipelines.model_selection import badge
from comus_core.runs.run_round import RunRound
from comus_core.text import counted, duration, first_of, size
from comus_core.verbs.result_lines import protocol_lines
from comus_core.workspace import Run, Workspace


def print_result(workspace: Workspace, run: Run, result: dict[str, Any] | None = None) -> None:
    """The per-class table, the set-aside files, and where things are."""
    result = result or run.result
    click.echo(
        f"\nrun {result['run']}: {result['dataset']}" + (" (synthetic scenes)" if result.get("synthetic") else "")
    )
    click.echo(
        f"{counted(result['images'], 'image')}, {result['skipped']} skipped, "
        f"{counted(result['proposals'], 'proposal')}, {counted(result['clusters'], 'cluster')}; "
        f"{badge(result['supervision'], run.provenance.get('non_commercial', ()))}"
    )
    if because := result.get("clusters_because"):
        click.echo(f"why so many clusters: {because}")
    _print_left_out(result)
    truth = result.get("truth")
    if truth:
        click.echo(truth["line"])
    _print_use(result)
    if result["evaluation"]:
        _print_scores(result)
    elif run.provenance.get("classes") and result is run.result:
        click.echo("not scored: the run stopped before its evaluation")
    elif result.get("image_classes"):
        click.echo(f"{counted(result['image_classes'], 'class', 'classes')} of whole images, no masks: no mIoU")
        for line in protocol_lines(result) if result is run.result else ():
            click.echo(line)
    elif not truth:
        click.echo("no ground truth: nothing to score (a folder may hold images/, masks/ and classes.txt)")
    if "predictions" in result:
        click.echo(f"predictions: {result['predictions']}")
    if result is run.result:
        _print_masks(workspace, run)


def _print_use(result: dict[str, Any]) -> None:
    """Time and memory of each stage of which something was computed, beside the estimate of memory."""
    taken = {stage: count for stage, count in result.get("memory", {}).items() if count is not None}
    if not taken:
        return
    width = max(map(len, ["stage", *taken]))
    click.echo(f"\n{'stage':{width}}   {'time':>10}   peak memory (estimated {size(result['memory_estimate'])})")
    for stage, count in taken.items():
        words = peak_words(count, result["memory_at_most"])
        click.echo(f"{stage:{width}}   {duration(result['seconds'][stage]):>10}   {words}")


def _print_left_out(result: dict[str, Any]) -> None:
    """The files that are in no figure, and why."""
    for skipped in result["skipped_files"]:
        click.echo(f"  skipped {skipped['path']}: {skipped['reason']}")
    for line in ignored_lines(result.get("passed_over", ())):
        click.echo(f"  {line}")
    for noted in result.get("notes", ()):  # of a run made before there were any
        click.echo(f"  {noted['path']}: {noted['note']}")
    if without := result.get("without_mask"):
        click.echo(
            f"  {counted(len(without), 'image')} without a mask of yours, predicted background: {first_of(without)}"
        )


def _print_masks(workspace: Workspace, run: Run) -> None:
    """Where the pseudo-masks are if they are what is decided, else how to get those that are."""
    masks = workspace.artifacts.find("pseudo_masks", run.artifacts.get("pseudo_masks", ""))
    if masks is None:
        return
    if follows_decisions(workspace, run, masks):
        click.echo(f"pseudo-masks: {masks.file('masks')}")
    else:
        click.echo(
            f"pseudo-masks: those stored are from before your decisions; as decided now: {export_line(workspace, run)}"
        )
        if not run.read_only:
            click.echo(f"  as the first training set: {command_line(run.config, workspace=workspace.root)}")


def export_line(workspace: Workspace, run: Run) -> str:
    """The command that writes a run's masks as decided now."""
    settings = ExportSettings(format="voc", out="DIR")
    return verb_line("export", RunRound(run, 0), settings, workspace=workspace.root)


def _print_round(number: int, every: dict[str, Any]) -> None:
    width = max(len(name) for name in every["per_class"])
    click.echo(f"\n{'class':{width}}    IoU %   of round {number} ({every['matching']} matching)")
    for name, iou in [*every["per_class"].items(), ("mIoU", every["miou"]), ("pixels right", every["pixel_accuracy"])]:
        click.echo(f"{name:{width}}   {iou:6.2f}")


def _print_scores(result: dict[str, Any]) -> None:
    every, filtered = result["evaluation"], result["evaluation_filtered"]
    if filtered is None:
        _print_round(result["round"], every)
        return
    width = max(len(name) for name in every["per_class"])
    click.echo(f"\n{'class':{width}}    IoU %   after filter ({every['matching']} matching)")
    for name, iou in every["per_class"].items():
        click.echo(f"{name:{width}}   {iou:6.2f}   {filtered['per_class'][name]:6.2f}   {bar(round(iou / 5))}")
    kept = f"({filtered['coverage']:.0%} of proposals kept)"
    click.echo(f"{'mIoU':{width}}   {every['miou']:6.2f}   {filtered['miou']:6.2f}   {kept}")
    click.echo(f"{'pixels right':{width}}   {every['pixel_accuracy']:6.2f}   {filtered['pixel_accuracy']:6.2f}")


def print_ablation(result: dict[str, Any]) -> None:
    """A line a row: mIoU over the seeds, the difference to the row it is compared to, the time of its training."""
    seeds = result["settings"]["seeds"]
    said = "seed " + ", ".join(map(str, seeds)) if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
    click.echo(f"\nrun {result['run']}, scored on {result['dataset']}; {said}; {badge(result['supervision'])}")
    rows = result["rows"]
    width, other = (max(len(str(row[name] or "")) for row in rows) for name in ("name", "against"))
    click.echo(f"\n{'row':{width}}     mIoU %        points  {'against':{other}}   training")
    for row in rows:
        score = "     –" if row["mean"] is None else f"{row['mean']:6.2f}"
        spread = "" if row["std"] is None else f"± {row['std']:.2f}"
        difference = "" if row["difference"] is None else f"{row['difference']:+.2f}"
        time = "" if row["seconds"] is None else duration(row["seconds"])
        line = f"{row['name']:{width}}   {score} {spread:7}  {difference:>6}  {row['against'] or '':{other}}   {time}"
        click.echo(line.rstrip())

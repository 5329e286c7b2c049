"""Results as text."""

from __future__ import annotations

from typing import Any

import click

from comus_core.choices import badge
from comus_core.workspace import Run, Workspace


def print_result(workspace: Workspace, run: Run, result: dict[str, Any] | None = None) -> None:
    """The per-class table, the set-aside files, and where things are."""
    result = result or run.result
    click.echo(
        f"\nrun {result['run']}: {result['dataset']}" + (" (synthetic scenes)" if result.get("synthetic") else "")
    )
    click.echo(
        f"{result['images']} images, {result['skipped']} set aside, {result['proposals']} proposals, "
        f"{result['clusters']} clusters; {badge(result['supervision'], run.provenance.get('non_commercial', ()))}"
    )
    if because := result.get("clusters_because"):
        click.echo(f"why so many clusters: {because}")
    for skipped in result["skipped_files"]:
        click.echo(f"  set aside {skipped['path']}: {skipped['reason']}")
    if without := result.get("without_mask"):
        click.echo(f"  {len(without)} images have no mask of yours and are predicted background: {_first(without)}")
    if result["evaluation"]:
        _print_scores(result)
    elif run.provenance.get("classes") and result is run.result:
        click.echo("not scored: the run stopped before its evaluation")
    else:
        click.echo("no ground truth: nothing to score (a folder may hold images/, masks/ and classes.txt)")
    if "predictions" in result:
        click.echo(f"predictions: {result['predictions']}")
    masks = workspace.artifacts.find("pseudo_masks", run.artifacts.get("pseudo_masks", ""))
    if masks is not None and result is run.result:
        click.echo(f"pseudo-masks: {masks.file('masks')}")


def _print_round(number: int, every: dict[str, Any]) -> None:
    width = max(len(name) for name in every["per_class"])
    click.echo(f"\n{'class':{width}}    IoU %   of round {number} ({every['matching']} matching)")
    for name, iou in [*every["per_class"].items(), ("mIoU", every["miou"]), ("pixels right", every["pixel_accuracy"])]:
        click.echo(f"{name:{width}}   {iou:6.2f}")


def _first(ids: list[str], most: int = 5) -> str:
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")


def _print_scores(result: dict[str, Any]) -> None:
    every, filtered = result["evaluation"], result["evaluation_filtered"]
    if filtered is None:
        _print_round(result["round"], every)
        return
    width = max(len(name) for name in every["per_class"])
    click.echo(f"\n{'class':{width}}    IoU %   after filter ({every['matching']} matching)")
    for name, iou in every["per_class"].items():
        bar = "█" * round(iou / 5)
        click.echo(f"{name:{width}}   {iou:6.2f}   {filtered['per_class'][name]:6.2f}   {bar}")
    kept = f"({filtered['coverage']:.0%} of proposals kept)"
    click.echo(f"{'mIoU':{width}}   {every['miou']:6.2f}   {filtered['miou']:6.2f}   {kept}")
    click.echo(f"{'pixels right':{width}}   {every['pixel_accuracy']:6.2f}   {filtered['pixel_accuracy']:6.2f}")

"""`comus run` and `comus evaluate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from comus_core.cli.paths import output_file_or_dash, say_replaced, with_force
from comus_core.cli.progress import ProgressPrinter, duration
from comus_core.cli.tables import print_result
from comus_core.cli.terminal import LETTERS, can_print
from comus_core.config import PRESETS, Assign, Matching, RunConfig, make_config
from comus_core.files.output_file import OutputFile, write_json_output
from comus_core.pipelines.model_selection import badge, resolve, supervision_of
from comus_core.settings import assigned, merge, to_dict
from comus_core.text import counted, size
from comus_core.types import STAGES
from comus_core.workspace import Workspace, open_workspace

WORKSPACE = click.option("--workspace", metavar="DIR", help="Where runs are kept (COMUS_WORKSPACE; ./workspace).")
JSON_FILE = click.option(
    "--json", "json_file", metavar="FILE", type=output_file_or_dash, help="The result as JSON ('-' prints it)."
)
JSON = with_force(JSON_FILE)
DEVICE = click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")


def number_or_auto(_: click.Context, __: click.Parameter, value: str | None) -> int | str | None:
    """What `--clusters` says."""
    if value is None or value == "auto":
        return value
    if not value.lstrip("-").isdecimal():
        raise click.BadParameter(f"{value!r} is neither a whole number nor auto")
    return int(value)


@click.command()
@click.argument("dataset", required=False)
@click.option("--saliency", metavar="NAME", help="The detector; `comus parts` lists them. Default: the best here.")
@click.option("--encoder", metavar="NAME", help="The encoder; `comus parts` lists them. Default: the best here.")
@click.option("--features-file", metavar="FILE", help="Your own vectors: Parquet or npz with proposal_id.")
@click.option(
    "--clusters",
    metavar="K|auto",
    callback=number_or_auto,
    help="How many; auto: the stable number. Default: from labels, else auto.",
)
@click.option("--method", metavar="NAME", help="spectral (default), kmeans, minibatch-kmeans, hdbscan or leiden.")
@click.option("--filter", "percent", type=float, metavar="P", help="Percent of each cluster left out of training.")
@click.option("--features", metavar="raw|l2", help="Use vectors as they are or at unit length (default).")
@click.option("--matching", metavar="NAME", help="auto (default), hungarian or majority.")
@click.option("--matching-from", metavar="RUN", help="Freeze the cluster-to-class matching of another run.")
@click.option("--preset", metavar="NAME", help=f"{' or '.join(PRESETS)}: the paper's settings.")
@click.option("--seed", type=int, metavar="S")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other setting, as saliency.threshold=0.4."
)
@click.option("--until", default="evaluation", metavar="STAGE", help=f"Stop after: {', '.join(STAGES)}.")
@click.option("--config", "config_file", type=Path, metavar="FILE", help="Settings as JSON, as `comus show` prints.")
@click.option("--background", is_flag=True, help="Queue it as a job and return: see `comus jobs`.")
@WORKSPACE
@DEVICE
@JSON
def run(
    dataset: str | None,
    until: str,
    background: bool,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
    **options: Any,
) -> None:
    """Find the object categories of DATASET.

    DATASET is a folder of photographs, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo. Run again, it goes on where it
    stopped; what is already computed is not computed again.
    """
    from comus_core.pipelines.discover import discover

    config, place = config_of(dataset, **options), open_workspace(workspace)
    if background and json_file is not None:
        raise click.UsageError("--json with --background: use `comus show RUN --json FILE` when the job is done")
    announce(config, place, device)
    if background:
        queue(place, "discover", {**to_dict(config), "until": until}, device)
        return
    printer = ProgressPrinter()
    try:
        found = discover(config, place, until=until, device=device, on_progress=printer)
    finally:
        printer.close()
    give(found.result, json_file)
    print_result(place, found)


@click.command()
@click.argument("run_name", metavar="RUN[@ROUND]")
@click.argument("dataset")
@click.option("--matching", metavar="NAME", help="auto (default), hungarian or majority.")
@click.option("--matching-from", metavar="RUN", help="Freeze the cluster-to-class matching of another run.")
@click.option("--assign", metavar="NAME", help="nearest (default: nearest neighbours) or nystrom; of round 0.")
@WORKSPACE
@DEVICE
@JSON
def evaluate(
    run_name: str,
    dataset: str,
    matching: Matching | None,
    matching_from: str | None,
    assign: Assign | None,
    workspace: str | None,
    device: str,
    json_file: OutputFile | None,
) -> None:
    """Score DATASET with RUN, or with a trained round of it: RUN@1, RUN@2 and so on.

    Without a round, or with round 0, the proposals of DATASET are assigned to RUN's clusters by nearest neighbours, or
    by their place in RUN's spectral embedding (nystrom).
    """
    place, printer = open_workspace(workspace), ProgressPrinter()
    name, number = run_and_round(run_name)
    if number and assign:
        raise click.UsageError(f"--assign {assign}: round {number} is a network, which needs no clusters; leave it out")
    run = place.runs.find(name)
    options: dict[str, Any] = {"matching": matching, "matching_from": matching_from, "device": device}
    try:
        if number == 0:
            from comus_core.pipelines.evaluate_dataset import evaluate_on

            result = evaluate_on(run, dataset, place, assign=assign or "nearest", **options, on_progress=printer)
        else:
            from comus_core.pipelines.apply_rounds import evaluate_round

            result = evaluate_round(run, number, dataset, place, **options, on_progress=printer)
    finally:
        printer.close()
    give(result, json_file)
    print_result(place, run, result)


def run_and_round(text: str) -> tuple[str, int]:
    """A run's name and the round behind its last `@`, 0 if there is none.

    Raises:
        UsageError: what stands behind the `@` is no number.
    """
    name, at, number = text.rpartition("@")
    if not at:
        return text, 0
    if not number.isdecimal():
        raise click.UsageError(f"{text}: write RUN@ROUND, such as {name}@1")
    return name, int(number)


def config_of(
    dataset: str | None,
    *,
    preset: str | None,
    config_file: Path | None,
    features_file: str | None,
    encoder: str | None,
    saliency: str | None,
    percent: float | None,
    clusters: int | str | None,
    method: str | None,
    features: str | None,
    matching: str | None,
    matching_from: str | None,
    seed: int | None,
    assignments: tuple[str, ...] = (),
) -> RunConfig:
    """The settings that a command line gives."""
    options = {
        "dataset": dataset,
        "saliency": {"detector": saliency},
        "features": {"encoder": f"file:{features_file}" if features_file else encoder},
        "clustering": {"clusters": clusters, "method": method, "features": features},
        "filter_percent": percent,
        "matching": matching,
        "matching_from": matching_from,
        "seed": seed,
    }
    return make_config(preset, config_file, **merge(options, assigned(assignments)))


def announce(config: RunConfig, workspace: Workspace, device: str) -> None:
    """Say, before long work, what will run, what it owes to supervision, and what it will cost."""
    from comus_core.datasets.dataset import open_dataset
    from comus_core.datasets.ignored_files import ignored_json, ignored_lines
    from comus_core.datasets.image_sizes import largest_pixels
    from comus_core.device import choose_device
    from comus_core.pipelines.estimate import estimate, free_disk

    config = resolve(config)
    owed = supervision_of(config)
    dataset = open_dataset(config.dataset, workspace.drawings, config.truth)
    chosen = choose_device(device)
    largest = largest_pixels(file.path for file in dataset.files)
    cost = estimate(config, len(dataset.files), workspace, chosen, largest)
    basis = "speeds of earlier runs here" if cost.measured else "arithmetic; the first run measures"
    kind = " (synthetic scenes)" if dataset.synthetic else ""
    print(
        f"{counted(len(dataset.files), 'image')}{kind}; saliency {config.saliency.detector}, "
        f"encoder {config.features.encoder}, on {chosen}\n"
        f"{badge(owed['supervision'], owed['non_commercial'])}\n"
        f"estimate: {duration(cost.total)} if nothing is reused ({basis}), {size(cost.disk_bytes)} of disk, "
        f"{size(cost.memory_bytes)} of memory",
        file=sys.stderr,
    )
    if dataset.truth_report is not None:
        print(dataset.truth_report.line, file=sys.stderr)
    for line in ignored_lines(ignored_json(dataset.ignored)):
        print(line, file=sys.stderr)
    if cost.disk_bytes > free_disk(workspace.root):
        print(f"warning: only {size(free_disk(workspace.root))} of disk are free", file=sys.stderr)


def queue(workspace: Workspace, kind: str, settings: dict[str, Any], device: str) -> None:
    """Hand the work to the workspace's supervisor, and say how to follow it."""
    from comus_core.jobs import ensure_supervisor, submit

    job = submit(workspace, kind, settings, device)
    ensure_supervisor(workspace)
    print(f"job {job.id} is queued: `comus jobs log {job.id} --follow` shows it, `comus jobs cancel {job.id}` stops it")


def give(result: dict[str, Any], json_file: OutputFile | None) -> None:
    """Write the result where `--json` says."""
    if json_file is not None and str(json_file) == "-":
        print(json.dumps(result, indent=2, ensure_ascii=not can_print(LETTERS)))
    elif json_file is not None:
        say_replaced(json_file, write_json_output(json_file.path, result, force=json_file.force))

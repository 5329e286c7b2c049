"""`comus run`: the object categories of a data set."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from comus_core.cli.options import BACKGROUND, COMPUTE, DEVICE, JSON, WORKSPACE
from comus_core.cli.tables import print_result
from comus_core.cli.verb_command import Call
from comus_core.config import PRESETS, RunConfig, make_config
from comus_core.datasets.dataset import absolute
from comus_core.errors import SettingsError
from comus_core.features.features_file import SPEC as OWN_VECTORS
from comus_core.files.output_file import OutputFile
from comus_core.pipelines.model_selection import badge, resolve, supervision_of
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.saliency.own_annotations import SPEC as OWN_OBJECTS
from comus_core.settings import assigned, from_dict, merge
from comus_core.text import counted, duration, size
from comus_core.types import STAGES
from comus_core.verbs import verb_named
from comus_core.workspace import Workspace, open_workspace

LISTED = ", or a .txt file with one on each line; repeatable."


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
@click.option("--masks-from", metavar="FILE|DIR", help="Masks of a label tool's file instead of a detector's.")
@click.option("--encoder", metavar="NAME", help="The encoder; `comus parts` lists them. Default: the best here.")
@click.option("--features-file", metavar="FILE", help="Your own vectors: Parquet or npz with proposal_id.")
@click.option(
    "--clusters",
    metavar="K|auto",
    callback=number_or_auto,
    help="How many; auto: the stable number. Default: from labels, else auto.",
)
@click.option(
    "--method",
    metavar="NAME",
    help="spectral (default), consensus, umap, kmeans, minibatch-kmeans, leiden, evoc or hdbscan.",
)
@click.option("--filter", "percent", type=float, metavar="P", help="Percent of each cluster left out of training.")
@click.option("--features", metavar="raw|l2", help="Use vectors as they are or at unit length (default).")
@click.option("--matching", metavar="NAME", help="auto (default), hungarian, counts or majority.")
@click.option("--matching-from", metavar="RUN", help="Freeze the cluster-to-class matching of another run.")
@click.option("--preset", metavar="NAME", help=f"{' or '.join(PRESETS)}: the paper's settings.")
@click.option("--seed", type=int, metavar="S")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other setting, as saliency.threshold=0.4."
)
@click.option("--exclude", multiple=True, metavar="IMAGE|FILE", help=f"An image to leave out{LISTED}")
@click.option("--only", multiple=True, metavar="IMAGE|FILE", help=f"An image to use, instead of all{LISTED}")
@click.option("--excluded", is_flag=True, help="Leave out the images that `comus exclude` or the Images page excluded.")
@click.option("--until", default="evaluation", metavar="STAGE", help=f"Stop after: {', '.join(STAGES)}.")
@click.option("--config", "config_file", type=Path, metavar="FILE", help="Settings as JSON, as `comus show` prints.")
@WORKSPACE
@DEVICE
@COMPUTE
@BACKGROUND
@JSON
def run(
    dataset: str | None,
    until: str,
    background: bool,
    workspace: str | None,
    device: str,
    compute: str | None,
    json_file: OutputFile | None,
    excluded: bool,
    **options: Any,
) -> None:
    """Find the object categories of DATASET.

    DATASET is a folder of images, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo. Run again, it goes on where it
    stopped; what is already computed is not computed again.
    """
    config, place = config_of(dataset, **options), open_workspace(workspace)
    if excluded:
        recorded = place.exclusions.read(absolute(config.dataset)).images
        config = replace(config, exclude=(*config.exclude, *(i for i in recorded if i not in config.exclude)))
    settings = from_dict(DiscoverSettings, {"until": until})
    call = Call(verb_named("discover"), config, place, settings, device, background, json_file, compute)
    announce(config, place, device)
    finished = call.result()
    if finished is not None:
        print_result(place, finished)


def config_of(
    dataset: str | None,
    *,
    preset: str | None,
    config_file: Path | None,
    features_file: str | None,
    encoder: str | None,
    saliency: str | None,
    masks_from: str | None,
    percent: float | None,
    clusters: int | str | None,
    method: str | None,
    features: str | None,
    matching: str | None,
    matching_from: str | None,
    seed: int | None,
    assignments: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> RunConfig:
    """The settings that a command line gives."""
    if masks_from is not None:
        if saliency is not None:
            raise click.UsageError(
                "give --saliency for a detector, or --masks-from for a file of masks, one of the two"
            )
        saliency = f"{OWN_OBJECTS.name}:{masks_from}"
    options = {
        "dataset": dataset,
        "saliency": {"detector": saliency},
        "features": {"encoder": f"{OWN_VECTORS.name}:{features_file}" if features_file else encoder},
        "clustering": {"clusters": clusters, "method": method, "features": features},
        "filter_percent": percent,
        "matching": matching,
        "matching_from": matching_from,
        "seed": seed,
        "exclude": named_images(exclude) or None,
        "only": named_images(only) or None,
    }
    return make_config(preset, config_file, **merge(options, assigned(assignments)))


def named_images(words: tuple[str, ...]) -> list[str]:
    """The images that are named, or listed in text files.

    Raises:
        SettingsError: a list cannot be read.
    """
    names: list[str] = []
    for word in words:
        listed = word.endswith(".txt")
        try:
            lines = Path(word).read_text(encoding="utf-8").splitlines() if listed else [word]
        except (OSError, ValueError) as error:
            raise SettingsError(f"list of images {word}: {error}; write one image on each line") from None
        names += [line for line in lines if line.strip()] if listed else lines
    return names


def announce(config: RunConfig, workspace: Workspace, device: str) -> None:
    """Say, before long work, what will run, what it owes to supervision, and what it will cost."""
    from comus_core.datasets.chosen_images import open_chosen, unknown_words
    from comus_core.datasets.ignored_files import ignored_json, ignored_lines
    from comus_core.datasets.image_sizes import largest_pixels
    from comus_core.machine.device import choose_device
    from comus_core.pipelines.estimate import estimate, free_disk

    config = resolve(config)
    owed = supervision_of(config)
    dataset = open_chosen(config, workspace.drawings)
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
    if dataset.excluded:
        print(f"{counted(dataset.excluded, 'image')} excluded", file=sys.stderr)
    if dataset.unknown:
        print(unknown_words(dataset.unknown), file=sys.stderr)
    if cost.disk_bytes > free_disk(workspace.root):
        print(f"warning: only {size(free_disk(workspace.root))} of disk are free", file=sys.stderr)

"""The words of jobs that depend on what is asked: stages, networks, data sets, rounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from comus_core.datasets.dataset import parse_dataset
from comus_core.plugins import split
from comus_core.text import counted
from comus_core.types import STAGES
from comus_core.verbs.verb import STAGE_WORDS, Stage


def networks_words(config: Any) -> str:
    """Detector and encoder of a run's settings as JSON; the user's own files by the last part of their path."""
    names = (str(config["saliency"]["detector"]), str(config["features"]["encoder"]))
    short = [f"own {Path(path).name}" if path else name for name, path in map(split, names)]
    return " + ".join("best on this machine" if name == "auto" else name for name in dict.fromkeys(short))


def dataset_words(spec: str) -> str:
    """A data set's short name: `demo`, `VOC trainval`, or the folder's own name."""
    address = parse_dataset(spec)
    if address.split:
        return f"{address.format.upper()} {address.split}"
    return Path(spec).name or spec


def compared_words(proposals: Sequence[str], picture: str | None) -> str:
    """What a run is searched with: the name of an image file, the id of a proposal, or how many of them."""
    words = [Path(picture).name] if picture else []
    words += [proposals[0] if len(proposals) == 1 else counted(len(proposals), "proposal")] if proposals else []
    return " and ".join(words)


def discover_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """Up to the last stage that is to run."""
    return named(*STAGES[: STAGES.index(settings.until) + 1])


def train_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """What comes before the first round belongs to round 0, the run's own score."""
    rounds = range(1, settings.training.rounds + 1)
    return (Stage("", "Round 0"), *(Stage(f"round {number}", f"Round {number}") for number in rounds))


def ablation_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """The rows of the table."""
    return tuple(Stage(row.name, f"{row.name[0].upper()}{row.name[1:]}") for row in settings.chosen)


def seeds_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """A stage a seed."""
    return tuple(Stage(f"seed {seed}:", f"Seed {seed}") for seed in settings.seeds)


def import_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """A preview only reads the file and compares it with the run."""
    compared = (Stage("reading", "File"), Stage("comparing", "Comparison"))
    return compared if settings.preview else (*compared, *named(*STAGES))


def predict_stages(subject: Any, _: Any) -> tuple[Stage, ...]:
    """A network may ask for the run's saliency, and has neither features nor clusters."""
    by_clusters = (Stage("features", "Features"), Stage("clustering", "Neighbours"))
    middle = (Stage("masks", "Masks"),) if _round(subject) else by_clusters
    return (*named("images", "saliency"), *middle, Stage("writing", "Results"))


def package_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """The models, then what is measured on images."""
    int8 = (Stage("int8", "8-bit model"),) if settings.int8 else ()
    scores = (*named("evaluation"),) if settings.scored_images else ()
    return (Stage("models", "Models"), *int8, *scores)


def evaluate_title(key: Any, settings: Any) -> str:
    """The data set, or the round where that is scored on its own images."""
    return dataset_words(settings.dataset) if settings.dataset is not None else str(key)


def evaluate_stages(subject: Any, settings: Any) -> tuple[Stage, ...]:
    """A network has neither features nor clusters, but masks; clusters on their own images are only summed up."""
    if settings.dataset is None and not _round(subject) and settings.matched_on is None:
        return named("images", "evaluation")
    middle = () if _round(subject) else (Stage("features", "Features"), Stage("clustering", "Neighbours"))
    masks = (Stage("masks", "Masks"),) if _round(subject) else ()
    return (*named("images", "saliency"), *middle, *masks, Stage("evaluation", "Scores"))


def export_stages(_: Any, settings: Any) -> tuple[Stage, ...]:
    """What applies a round to other images comes first; hashes for a split, and packing, only where they are wanted."""
    split = (Stage("near duplicates", "Near duplicates"),) if settings.validation else ()
    zipped = (Stage("zip", "Zip file"),) if settings.is_zip else ()
    return (*split, Stage("", "Export"), *zipped)


def named(*names: str) -> tuple[Stage, ...]:
    """Stages by the words that they have everywhere."""
    return tuple(Stage(name, STAGE_WORDS[name]) for name in names)


def _round(key: str) -> int:
    return int(key.rpartition("@")[2])


def with_round(phrase: str, key: str) -> str:
    """A phrase with the round that RUN@ROUND names."""
    number = _round(key)
    return f"{phrase} with round {number}" if number else f"{phrase} with the clusters"

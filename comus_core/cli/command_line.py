"""The command that does what a page is about to start, to be copied: read back, it means the same settings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from comus_core.cli.settings_options import as_words
from comus_core.config import PRESETS, RunConfig
from comus_core.features.features_file import SPEC as OWN_VECTORS
from comus_core.plugins import split
from comus_core.settings import flat, from_dict, json_or_text, merge, to_dict
from comus_core.verbs import verb_named
from comus_core.verbs.subjects import as_words as subject_words

# Settings with an option of their own; every other one is written `--set NAME=VALUE`.
OPTIONS = {
    "saliency.detector": "--saliency",
    "features.encoder": "--encoder",
    "clustering.clusters": "--clusters",
    "clustering.method": "--method",
    "clustering.features": "--features",
    "filter_percent": "--filter",
    "matching": "--matching",
    "matching_from": "--matching-from",
    "seed": "--seed",
}


def verb_line(name: str, subject: Any, settings: Any, *, device: str = "auto", workspace: Path | None = None) -> str:
    """`comus VERB …` with the fewest words that mean exactly these settings, quoted for a shell.

    `workspace` is None where it goes without saying.
    """
    verb = verb_named(name)
    arguments, options = as_words(settings, verb.arguments)
    words = [*subject_words(verb.subject, subject), *arguments]
    options += ["--device", device] if device != "auto" else []
    options += ["--workspace", str(workspace)] if workspace is not None else []
    if any(word.startswith("-") for word in words):  # else it would be read as an option
        return shlex.join(["comus", *verb.command.split(), *options, "--", *words])
    return shlex.join(["comus", *verb.command.split(), *words, *options])


def command_line(
    config: RunConfig,
    *,
    device: str = "auto",
    compute: str = "local",
    until: str = "evaluation",
    workspace: Path | None = None,
) -> str:
    """`comus run …` with the fewest options that mean exactly `config`, quoted for a shell."""
    ways = [_words(config, preset) for preset in (None, *PRESETS)]
    words = min((way for way in ways if way is not None), key=len)
    words += ["--device", device] if device != "auto" else []
    words += ["--compute", compute] if compute != "local" else []
    words += ["--until", until] if until != "evaluation" else []
    words += ["--workspace", str(workspace)] if workspace is not None else []
    if config.dataset.startswith("-"):  # else it would be read as an option
        return shlex.join(["comus", "run", *words, "--", config.dataset])
    return shlex.join(["comus", "run", config.dataset, *words])


def _words(config: RunConfig, preset: str | None) -> list[str] | None:
    """The options that lead from a preset to `config`; None if none do, since nothing can be unset."""
    base = from_dict(RunConfig, merge({"dataset": config.dataset}, PRESETS[preset] if preset else {}))
    start, wanted = flat(to_dict(base)), flat(to_dict(config))
    changed = {name: value for name, value in wanted.items() if value != start[name]}
    if None in changed.values():
        return None
    words = ["--preset", preset] if preset else []
    return words + [word for name, value in changed.items() for word in _option(name, value)]


def _option(name: str, value: Any) -> list[str]:
    if name == "features.encoder" and split(value)[0] == OWN_VECTORS.name:
        return ["--features-file", split(value)[1]]
    if name in ("exclude", "only") and not any(image.endswith(".txt") for image in value):
        return [f"--{name}={image}" for image in value]
    if name in OPTIONS:
        return [OPTIONS[name], value if isinstance(value, str) else json.dumps(value).removesuffix(".0")]
    return ["--set", f"{name}={value if json_or_text(str(value)) == value else json.dumps(value)}"]

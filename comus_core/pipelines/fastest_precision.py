"""`features.precision` fastest, resolved once for a run, before anything has a name that depends on it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from comus_core.config import RunConfig
from comus_core.datasets.records import Dataset
from comus_core.errors import ImageError
from comus_core.features.encoders import encoder_fingerprint, encoder_spec, own_vectors
from comus_core.machine.threads import thread_count
from comus_core.types import RgbImage
from comus_core.workspace import Workspace
from comus_core.workspace.artifacts import digest

IMAGES = 16  # of the run, spread over it, that the ways are timed on
LONG, LONG_ON_GPU = 200_000.0, 10_000_000.0  # GFLOP of a run that take some 20 minutes: worth a compilation


def with_precision(
    config: RunConfig, dataset: Dataset, workspace: Workspace, device: str
) -> tuple[RunConfig, dict[str, Any]]:
    """The settings with a precision that says what it is, and what was measured; nothing where another was asked for.

    The answer is kept in the workspace for this machine, device, number of threads, version of torch and encoder: the
    same run begun again has the same precision, and so the same name.

    Raises:
        SettingsError: unknown encoder.
        WeightsError: its weights are not on this machine.
    """
    how = config.features
    if how.precision != "fastest":
        return config, {}
    if own_vectors(how.encoder) is not None:  # nothing is computed
        return _in(config, "float32"), {}
    settings, weights = encoder_fingerprint(how.encoder)
    where = [platform.node(), device, thread_count(), version("torch")]
    long = encoder_spec(how.encoder).gflop * len(dataset.files) >= (LONG if device == "cpu" else LONG_ON_GPU)
    question = digest([settings, weights, how.pool, how.longer_side, where, long])
    measured = workspace.probes.find(question)
    if measured is None:
        from comus_core.features.probe import probe, probe_line

        images = list(_images(dataset))
        if not images:  # the check of the images will say what is wrong with them
            return _in(config, "float32"), {}
        measured = workspace.probes.keep(question, probe(how, device, images, long=long))
        print(probe_line(measured), file=sys.stderr, flush=True)
    return _in(config, measured["precision"]), {"precision": measured}


def _in(config: RunConfig, precision: Any) -> RunConfig:
    return replace(config, features=replace(config.features, precision=precision))


def _images(dataset: Dataset) -> Iterator[RgbImage]:
    """Readable ones, spread evenly over the data set."""
    ids = [file.image_id for file in dataset.files]
    for image_id in ids[:: max(1, len(ids) // IMAGES)][:IMAGES]:
        try:
            yield dataset.read(image_id, None)
        except ImageError:
            continue

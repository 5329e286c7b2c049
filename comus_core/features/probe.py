"""`features.precision` fastest: the ways to compute vectors, timed on images of the run in a second or two."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import cycle, islice
from tempfile import TemporaryFile
from typing import Any, cast

import numpy as np

from comus_core.config import FeatureSettings, Precision
from comus_core.features.encoders import load_encoder
from comus_core.features.precision import COMPILED, FAITHFUL, compiled_batch, computing_in, least_cosine
from comus_core.features.regions import describer
from comus_core.features.spec import Encoder
from comus_core.machine.fastest import SECONDS, Run, Trial, fastest, tried
from comus_core.types import RgbImage

EAGER: tuple[Precision, ...] = ("float32", "bfloat16")
LEFT_OUT = {"int8": "torch's own quantization is deprecated, and torchao is not among the packages of this program"}
GFLOP = 250.0  # of one turn at most, where four crops are not more: two seconds of two cores
COMPILE_SECONDS = 120.0  # within which a compilation must be ready
WAIT = 0.2  # seconds between two looks at it


def probe(
    how: FeatureSettings,
    device: str,
    images: Sequence[RgbImage],
    *,
    not_compiled: str = "",
    on_wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Choose the fastest faithful precision for vectors, and say how.

    Args:
        how: the encoder, and how regions are pooled.
        device: that the run computes on.
        images: of the run, at least one; each whole image stands for a crop.
        not_compiled: why a compilation is not even tried; empty where it is.
        on_wait: called several times a second while a compilation is tried, and between the other parts; what it raises
            ends the probe.

    Returns:
        `precision`, the choice; `crops`, timed at once; `ways`, what `Trial` holds of each.

    Raises:
        ComusError: the encoder cannot be loaded.
    """
    on_wait()
    encoder = load_encoder(how.encoder, device)
    on_wait()
    batch = list(islice(cycle(images), _crops_at_once(encoder, how, device)))
    trials = tried(_ways(encoder, how, batch, EAGER), len(batch), least_cosine, seconds=SECONDS)
    best = fastest(trials, FAITHFUL)
    left_out = [Trial(name, reason=reason) for name, reason in LEFT_OUT.items()]
    compiled = cast(Precision, f"{best.name}{COMPILED}")
    reason = "whole images have many sizes, and each needs another compilation" if how.pool == "mask" else not_compiled
    if not reason:
        reason = compile_fault(how.encoder, device, compiled, on_wait)
    if reason:
        left_out.append(Trial(compiled, reason=reason))
    else:
        count = compiled_batch(
            encoder
        )  # what is compiled sees full batches, other ways as many crops as there are threads for
        full = list(islice(cycle(images), -(-encoder.batch_size // count) * count))
        ways = _ways(encoder, how, full, list(dict.fromkeys(("float32", cast(Precision, best.name), compiled))))
        later = {trial.name: trial for trial in tried(ways, len(full), least_cosine, seconds=SECONDS)}
        trials = [later.pop(trial.name, trial) for trial in trials] + list(later.values())
        best = fastest(trials, FAITHFUL)
    return {"precision": best.name, "crops": len(batch), "ways": [asdict(trial) for trial in (*trials, *left_out)]}


def probe_line(record: Mapping[str, Any]) -> str:
    """What was chosen, and by which figures, in one line."""
    told = [
        f"{way['name']} {1 / way['seconds']:.1f} (cosine {way['fidelity']:.4f})"
        for way in record["ways"]
        if way["seconds"]
    ]
    without = [f"; {way['name']} left out: {way['reason']}" for way in record["ways"] if way["reason"]]
    return f"features.precision fastest: {record['precision']}; crops a second: {', '.join(told)}{''.join(without)}"


def compile_fault(name: str, device: str, precision: Precision, on_wait: Callable[[], None] = lambda: None) -> str:
    """Why another process could not compile the encoder in time; empty where it could, and torch keeps what it made.

    `on_wait` is called while it is waited for; what it raises ends that process too.
    """
    command = [sys.executable, "-c", _TRIAL, name, device, precision, *sys.path]
    with TemporaryFile("w+") as errors:
        try:
            # In the process group of its starter, so that whoever kills that kills it too.
            trial = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        except OSError as error:
            return f"no process for a trial: {error}"
        end = time.monotonic() + COMPILE_SECONDS
        try:
            while trial.poll() is None:
                if time.monotonic() > end:
                    return f"torch did not compile it within {COMPILE_SECONDS:.0f} seconds"
                on_wait()
                with suppress(subprocess.TimeoutExpired):
                    trial.wait(min(WAIT, COMPILE_SECONDS))
        finally:
            trial.kill()
            trial.wait()
        errors.seek(0)
        told = errors.read().strip().splitlines() or ["the trial of a compilation died"]
    return "" if trial.returncode == 0 else told[-1]


_TRIAL = """
import sys
name, device, precision, *sys.path = sys.argv[1:]
from comus_core.features.encoders import load_encoder
load_encoder(name, device, precision)
"""


def _crops_at_once(encoder: Encoder, how: FeatureSettings, device: str) -> int:
    """A full batch; fewer of a heavy network on the CPU, and of whole images."""
    if how.pool == "mask":
        return 4
    gflop = getattr(getattr(encoder, "spec", None), "gflop", 60.0)
    return encoder.batch_size if device != "cpu" else min(encoder.batch_size, max(4, int(GFLOP / gflop)))


def _ways(
    encoder: Encoder, how: FeatureSettings, images: list[RgbImage], names: Sequence[Precision]
) -> dict[str, Callable[[], Run]]:
    """What makes each way ready: a function without arguments that gives the vectors of the images."""

    def ready(name: Precision) -> Run:
        chosen = computing_in(encoder, name)
        if how.pool == "crop":
            return lambda: chosen.encode(images)
        describe = describer(chosen, how)
        return lambda: np.concatenate([describe(i).vectors([(0, 0, i.shape[1], i.shape[0])]) for i in images])

    def way(name: Precision) -> Callable[[], Run]:
        return lambda: ready(name)

    return {name: way(name) for name in names}

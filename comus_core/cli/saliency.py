"""`comus saliency`: what is salient, apart from any run: detectors compared, one trained on images, maps written."""

from __future__ import annotations

from dataclasses import replace

import click

from comus_core.cli.verb_command import Call, print_lines, verb_command


@click.group()
def saliency() -> None:
    """Compare detectors, train one on images alone, or write a detector's soft maps."""


@click.option("--detector", metavar="NAME", help="A detector's name (`comus parts` lists them); default: auto.")
def _predict(call: Call, detector: str | None) -> None:
    if detector is not None:
        chosen = replace(call.settings.saliency, detector=detector)
        call = replace(call, settings=replace(call.settings, saliency=chosen))
    print_lines(call)


saliency.add_command(verb_command("saliency-compare"), "compare")
saliency.add_command(verb_command("saliency-train"), "train")
saliency.add_command(verb_command("saliency-predict", _predict), "predict")

"""`comus parts`: the detectors and encoders there are, this program's own and those of installed packages."""

from __future__ import annotations

import click

from comus_core.features.encoders import ENCODERS
from comus_core.features.spec import EncoderSpec
from comus_core.plugins import Registry
from comus_core.saliency.detectors import DETECTORS
from comus_core.saliency.spec import DetectorSpec
from comus_core.weights import is_available

HEADINGS = (("Detectors (--saliency)", DETECTORS), ("Encoders (--encoder)", ENCODERS))


@click.command()
def parts() -> None:
    """List detectors and encoders: what each is, whether its weights are here, which package brought it."""
    for heading, registry in HEADINGS:
        click.echo(f"{heading}:")
        for spec in registry.values():
            click.echo(f"  {spec.written}: {spec.what}{_notes(registry, spec)}")
        for name, fault in registry.faults.items():
            click.echo(f"  {name}: cannot be used ({fault})")


def _notes(registry: Registry[DetectorSpec] | Registry[EncoderSpec], spec: DetectorSpec | EncoderSpec) -> str:
    package = registry.package_of(spec.name)
    notes = [f"from {package}"] if package else []
    if spec.weights is not None and not is_available(spec.weights):
        notes.append(f"not here: comus weights download {spec.weights}")
    return f" ({'; '.join(notes)})" if notes else ""

"""`comus parts`: detectors, encoders and formats of data sets, this program's own and those of installed packages."""

from __future__ import annotations

import click

from comus_core.datasets.dataset import FORMATS
from comus_core.features.encoders import ENCODERS
from comus_core.saliency.detectors import DETECTORS
from comus_core.weights import is_available

HEADINGS = (
    ("Detectors (--saliency)", DETECTORS),
    ("Encoders (--encoder)", ENCODERS),
    ("Formats of data sets", FORMATS),
)


@click.command()
def parts() -> None:
    """List detectors, encoders and formats of data sets: what each is, whether it is here, which package brought it."""
    for heading, registry in HEADINGS:
        click.echo(f"{heading}:")
        for spec in registry.values():
            notes = _notes(registry.package_of(spec.name), getattr(spec, "weights", None))
            click.echo(f"  {spec.written}: {spec.what}{notes}")
        for name, fault in registry.faults.items():
            click.echo(f"  {name}: cannot be used ({fault})")


def _notes(package: str | None, weights: str | None) -> str:
    notes = [f"from {package}"] if package else []
    if weights is not None and not is_available(weights):
        notes.append(f"not here: comus weights download {weights}")
    return f" ({'; '.join(notes)})" if notes else ""

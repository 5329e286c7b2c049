"""`comus parts`: detectors, encoders and formats, this program's own and those of installed packages."""

from __future__ import annotations

import click

from comus_core.datasets.dataset import FORMATS
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.features.encoders import ENCODERS
from comus_core.imports.formats import READERS
from comus_core.saliency.detectors import DETECTORS
from comus_core.weights.store import is_available

HEADINGS = (
    ("Detectors (--saliency)", DETECTORS),
    ("Encoders (--encoder)", ENCODERS),
    ("Formats of data sets", FORMATS),
    ("Formats of exports (comus export --format)", EXPORT_FORMATS),
    ("Formats of imports (comus import --format)", READERS),
)


@click.command()
def parts() -> None:
    """List detectors, encoders, formats of data sets and of exports: what each is, and which package brought it."""
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

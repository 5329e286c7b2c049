"""The figures of one benchmark: printed as they come, written as JSON under plain keys at the end."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the two options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every printed figure here")
    return parser


class Report:
    """Figures by key. A target is printed beside its figure; it decides nothing."""

    def __init__(self, title: str) -> None:
        self.figures: dict[str, float] = {}
        print(f"{title}\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")

    def add(
        self,
        key: str,
        value: float,
        words: str,
        unit: str,
        target: float | None = None,
        *,
        least: float | None = None,
    ) -> None:
        """Keep and print one figure; `target` is the most that it should be, `least` the least."""
        self.figures[key] = value
        aim = "" if target is None else f"   (at most {target:g} {unit}: {'yes' if value <= target else 'NO'})"
        aim += "" if least is None else f"   (at least {least:g} {unit}: {'yes' if value >= least else 'NO'})"
        print(f"{words:<58} {value:>11,.3f} {unit:<4}{aim}", flush=True)

    def write(self, file: Path | None) -> None:
        """Write the figures as one JSON object, if a file was named."""
        if file is not None:
            file.write_text(json.dumps(self.figures, indent=2) + "\n")

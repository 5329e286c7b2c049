"""The bundle of a finished demo run that ships with the program; `python docs/demo_bundle.py` makes it."""

from __future__ import annotations

import json
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from comus_core.files.own_folders import LISTING

DEMO_BUNDLE = Path(__file__).with_name("demo.zip")
DEMO = "demo"  # names it where a bundle is to be opened


@lru_cache(maxsize=1)
def demo_listing() -> dict[str, Any]:
    """What the bundle says of itself: its format, and of its run the name, the settings, the result, the provenance."""
    with zipfile.ZipFile(DEMO_BUNDLE) as archive:
        return dict(json.loads(archive.read(LISTING)))

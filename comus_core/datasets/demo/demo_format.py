"""`demo`: the drawn scenes as a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.demo.composition import CLASSES
from comus_core.datasets.demo.scenes import N_SCENES, draw_demo
from comus_core.datasets.folder import open_folder
from comus_core.datasets.format import DatasetAddress, DatasetFormat, DatasetSummary
from comus_core.datasets.records import Dataset


def _open(address: DatasetAddress, drawings: Path, settings: TruthSettings) -> Dataset:
    return replace(open_folder(str(address), draw_demo(drawings), settings), name="demo", synthetic=True)


FORMAT = DatasetFormat(
    "demo",
    "Demo",
    "Synthetic scenes with exact ground truth, to try everything.",
    _open,
    lambda _: DatasetSummary(N_SCENES, True, len(CLASSES) - 1, True),
    has_folder=False,
)

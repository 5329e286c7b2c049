"""Table 5: what each step of the method is worth."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.pipelines.paper_tables.iterations import TRAIN, TRAINAUG, VAL
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable

K_MEANS = {"clustering.method": "kmeans", "clustering.landmarks": 0}  # it has none
SPECTRAL = {"clustering.method": "spectral"}


def _steps(_: TableSettings) -> Sequence[MeasuredRow]:
    return (
        MeasuredRow("k-means", "k-means of the features", 0, K_MEANS, published="k-means"),
        MeasuredRow("spectral", "spectral clusters of the features", 0, SPECTRAL, published="Spectral clustering"),
        MeasuredRow(
            *("iteration 1, no filter", "teacher of all pseudo-masks", 1, SPECTRAL, 0.0),
            published="Iteration 1 without the filter",
        ),
        MeasuredRow("iteration 1", "teacher of the core's pseudo-masks", 1, SPECTRAL, published="Iteration 1"),
        MeasuredRow("iteration 2", "student of the teacher's masks", 2, SPECTRAL, published="Iteration 2"),
    )


TABLE_5 = PaperTable("5", "What each step is worth", (VAL, TRAIN, TRAINAUG), _steps)

"""Tables 6 and 7: detectors that know no classes, and what supervised saliency would give."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.pipelines.paper_tables.iterations import TRAIN, TRAINAUG, VAL
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import MeasuredRow, PaperTable

COUNTERPARTS = {
    "basnet": "DeepUSPS and BASNet",
    "basnet-supervised": "Supervised BASNet",
    "lost": "LOST",
    "dinoseg": "DINOSeg",
}


def _detectors(settings: TableSettings) -> Sequence[MeasuredRow]:
    return tuple(
        MeasuredRow(
            name,
            f"masks of the detector {name}",
            changes={"saliency.detector": name},
            published=COUNTERPARTS.get(name, ""),
        )
        for name in settings.detectors
    )


def _supervised(settings: TableSettings) -> Sequence[MeasuredRow]:
    other = {"saliency.detector": settings.supervised}
    ours = "the detector of the settings"
    rows = [
        MeasuredRow(f"iteration {n}", f"with {ours}", n, published=f"COMUS, iteration {n}" if n else "")
        for n in range(3)
    ]
    for n in range(3):
        published = f"COMUS, iteration {n}, supervised saliency" if n else ""
        words = f"with the supervised detector {settings.supervised}"
        rows.append(MeasuredRow(f"iteration {n}, supervised saliency", words, n, other, published=published))
    return rows


TABLE_6 = PaperTable(
    "6",
    "Detectors that know no classes",
    (VAL,),
    _detectors,
    metric="IoU of the foreground",
    protocol=None,
    kind="detectors",
    same_images=False,
    notes=("Ours is pooled over the pixels of all images; the paper does not say how it averages.",),
)
TABLE_7 = PaperTable("7", "With supervised saliency", (VAL, TRAIN, TRAINAUG), _supervised)

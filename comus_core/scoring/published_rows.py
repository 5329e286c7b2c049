"""What papers report in the rows of the paper's tables, to be shown beside our own: never computed here.

Only numbers that a paper or a public repository states; a system without such a number has no row. `paper_scores` has
the rows with the IoU of single classes that a run is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

ONE_TO_ONE = "one to one by IoU (Hungarian), original resolution, background not fixed, mean over all classes"
TO_CLASSES = "one to one, as many clusters as classes"
MAJORITY = "each cluster its class of highest IoU (majority vote), original resolution"
MAJORITY_ALONE = "each cluster its class by majority vote"
FOREGROUND = "IoU of the foreground; the paper does not say whether pooled or averaged over images"
CAUSE = "one to one by pixels, images of 320 pixels, mirrored image and CRF"
_COMUS = "Zadaianchuk et al., arXiv 2207.05027"
VOC_VAL, VOC_2007 = "PASCAL VOC 2012 val", "PASCAL VOC 2007 test"
COCO_VAL, COCO_AS_VOC = "COCO 2017 val", "COCO 2017 val, the 21 classes of PASCAL VOC"


@dataclass(frozen=True)
class PublishedRow:
    """A number that somebody has published.

    Attributes:
        name: of the method.
        value: in the unit of the table: percent.
        data: what it was scored on.
        protocol: how.
        source: where it is stated.
        spread: ± over runs, None if not stated.
        note: what else is known of it; "" for nothing.
    """

    name: str
    value: float
    data: str
    protocol: str
    source: str
    spread: float | None = None
    note: str = ""


def _of_comus(table: int, name: str, value: float, data: str, protocol: str, **more: float | str) -> PublishedRow:
    return PublishedRow(name, value, data, protocol, f"{_COMUS}, Table {table}", **more)  # type: ignore[arg-type]


def _of_cause(name: str, value: float, data: str) -> PublishedRow:
    return PublishedRow(name, value, data, CAUSE, "README of ByungKwanLee/Causal-Unsupervised-Segmentation")


PUBLISHED_ROWS: dict[str, tuple[PublishedRow, ...]] = {
    "1": (
        _of_comus(1, "MaskContrast", 35.1, VOC_VAL, TO_CLASSES),
        _of_comus(1, "Deep Spectral", 37.2, VOC_VAL, TO_CLASSES),
        _of_comus(1, "COMUS, iteration 0", 41.8, VOC_VAL, ONE_TO_ONE, spread=0.1),
        _of_comus(1, "COMUS, iteration 1", 45.2, VOC_VAL, ONE_TO_ONE, spread=0.4),
        _of_comus(1, "COMUS, iteration 2", 47.3, VOC_VAL, ONE_TO_ONE, spread=0.4),
        PublishedRow(
            *("COMUS, ICLR 2023", 50.0, VOC_VAL, "not documented for this number", "Abstract of the ICLR 2023 version"),
            note="what changed from 47.3 is not documented",
        ),
        PublishedRow("TransFGU", 37.15, VOC_VAL, TO_CLASSES, "README of damo-cv/TransFGU"),
        PublishedRow("HSG", 42.2, VOC_VAL, TO_CLASSES, "README of twke18/HSG", note="the paper states 41.9"),
        PublishedRow(
            *("Leopart, ViT-S/16", 41.7, VOC_VAL, TO_CLASSES, "paperswithcode.com"),
            note="its script takes the cut of the foreground from the labels of train",
        ),
        PublishedRow("MaskDistill", 45.8, VOC_VAL, TO_CLASSES, "paperswithcode.com"),
        PublishedRow("MaskDistill with CRF", 48.9, VOC_VAL, TO_CLASSES, "paperswithcode.com"),
        _of_cause("CAUSE-MLP, ViT-S/8", 46.0, VOC_VAL),
        _of_cause("CAUSE-TR, ViT-S/8", 50.0, VOC_VAL),
        _of_cause("CAUSE-TR, ViT-B/8", 53.3, VOC_VAL),
    ),
    "2": (_of_comus(2, "COMUS", 45.1, VOC_2007, ONE_TO_ONE),),
    "3": (
        _of_comus(3, "Pseudo-masks", 18.2, COCO_VAL, ONE_TO_ONE, note="33 classes with an IoU of 20 % or more"),
        _of_comus(3, "COMUS", 19.6, COCO_VAL, ONE_TO_ONE, note="34 classes with an IoU of 20 % or more"),
        PublishedRow("TransFGU", 12.69, COCO_VAL, TO_CLASSES, "README of damo-cv/TransFGU", note="80 classes"),
        _of_cause("CAUSE-MLP, ViT-S/8", 19.1, COCO_VAL),
        _of_cause("CAUSE-TR, ViT-S/8", 21.2, COCO_VAL),
    ),
    "4": (
        _of_comus(4, "COMUS, trained on VOC", 31.9, COCO_AS_VOC, ONE_TO_ONE),
        _of_comus(4, "COMUS, trained on COCO", 28.8, COCO_AS_VOC, ONE_TO_ONE),
    ),
    "5": (
        _of_comus(5, "k-means", 40.8, VOC_VAL, ONE_TO_ONE),
        _of_comus(5, "Spectral clustering", 41.8, VOC_VAL, ONE_TO_ONE, spread=0.1),
        _of_comus(5, "Iteration 1 without the filter", 44.5, VOC_VAL, ONE_TO_ONE),
        _of_comus(5, "Iteration 1", 45.2, VOC_VAL, ONE_TO_ONE, spread=0.4),
        _of_comus(5, "Iteration 2", 47.3, VOC_VAL, ONE_TO_ONE, spread=0.4),
    ),
    "6": (
        _of_comus(6, "DeepUSPS and BASNet", 51.0, "PASCAL VOC", FOREGROUND),
        _of_comus(6, "Supervised BASNet", 60.5, "PASCAL VOC", FOREGROUND),
        _of_comus(6, "LOST", 34.8, "PASCAL VOC", FOREGROUND),
        _of_comus(
            *(6, "DINOSeg", 24.5, "PASCAL VOC", FOREGROUND),
            note="which head, threshold and resolution is not stated",
        ),
    ),
    "7": (
        _of_comus(7, "COMUS, iteration 1, supervised saliency", 47.7, VOC_VAL, ONE_TO_ONE),
        _of_comus(7, "COMUS, iteration 2, supervised saliency", 49.3, VOC_VAL, ONE_TO_ONE),
        _of_comus(1, "COMUS, iteration 1", 45.2, VOC_VAL, ONE_TO_ONE, spread=0.4),
        _of_comus(1, "COMUS, iteration 2", 47.3, VOC_VAL, ONE_TO_ONE, spread=0.4),
        _of_comus(7, "MaskContrast, supervised saliency", 38.9, VOC_VAL, TO_CLASSES),
    ),
    "8": (
        _of_comus(8, "COMUS, 30 clusters, iteration 1", 47.4, VOC_VAL, MAJORITY),
        _of_comus(8, "COMUS, 30 clusters, iteration 2", 49.0, VOC_VAL, MAJORITY),
        _of_comus(8, "COMUS, 50 clusters, iteration 1", 45.0, VOC_VAL, MAJORITY),
        _of_comus(8, "COMUS, 50 clusters, iteration 2", 48.1, VOC_VAL, MAJORITY),
        _of_comus(8, "MaskContrast, 50 clusters", 41.4, VOC_VAL, MAJORITY_ALONE),
    ),
    "10": (
        _of_comus(
            *(10, "10 to 40 components, mean", 37.7, VOC_VAL, ONE_TO_ONE),
            spread=5.4,
            note="over the numbers of components of the embedding",
        ),
    ),
    "12": (),
}

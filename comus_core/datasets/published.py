"""The published data sets of the paper's tables: where they come from, what is in them, how they are checked.

Sizes and checksums are those that torchvision (MD5 of PASCAL VOC and SBD) and TensorFlow Datasets (bytes and SHA-256 of
COCO, bytes of PASCAL VOC) check their downloads with; what neither states is unknown here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from comus_core.errors import DatasetError

_VOC = "http://host.robots.ox.ac.uk/pascal/VOC"
_SBD = "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/benchmark.tgz"
_COCO = "http://images.cocodataset.org"


@dataclass(frozen=True)
class Archive:
    """A file to download and unpack.

    Attributes:
        url: where it is published.
        n_bytes: its size, None if unknown.
        checksum: (name of the hash, hexadecimal digits), None if unknown.
    """

    url: str
    n_bytes: int | None = None
    checksum: tuple[str, str] | None = None

    @property
    def filename(self) -> str:
        """Its name on this machine."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class PublishedDataset:
    """A data set that anyone can download.

    Attributes:
        name: what `comus datasets download` calls it.
        what: one line for people.
        licence: its terms.
        archives: what to download, in order.
        spec: how its splits are opened, with `ROOT` and `SPLIT` to be filled in.
        images: split -> how many images it has.
        needs: the data set that must be in the same folder before.
        source: folder that the archives unpack to and that is not needed once masks and split were made of it
            (`make_trainaug`); None where the archives are the data set.
    """

    name: str
    what: str
    licence: str
    archives: tuple[Archive, ...]
    spec: str
    images: Mapping[str, int] = field(default_factory=dict)
    needs: str | None = None
    source: str | None = None


VOC2012_IMAGES = {"train": 1464, "val": 1449, "trainval": 2913, "trainaug": 10582}
VOC2007_IMAGES = {"test": 210}
COCO2017_IMAGES = {"train2017": 118287, "val2017": 5000}

PUBLISHED: dict[str, PublishedDataset] = {
    entry.name: entry
    for entry in (
        PublishedDataset(
            "voc2012",
            "PASCAL VOC 2012 segmentation: 20 classes, train 1,464, val 1,449 (Tables 1, 2, 5 to 10)",
            "PASCAL VOC's terms; images from Flickr",
            (
                Archive(
                    f"{_VOC}/voc2012/VOCtrainval_11-May-2012.tar",
                    1_999_639_040,
                    ("md5", "6cd6e144f989b92b3379bac3b3de84fd"),
                ),
            ),
            "voc:ROOT/VOCdevkit/VOC2012:SPLIT",
            {"train": 1464, "val": 1449, "trainval": 2913},
        ),
        PublishedDataset(
            "voc2012-trainaug",
            "the masks of SBD as SegmentationClassAug, and the split trainaug: 10,582 images, none of val (round 2)",
            "SBD's terms; images from PASCAL VOC",
            (Archive(_SBD, None, ("md5", "82b4d87ceb2ed10f6038a1cba92111cb")),),
            "voc:ROOT/VOCdevkit/VOC2012:SPLIT",
            {"trainaug": 10582},
            needs="voc2012",
            source="benchmark_RELEASE",
        ),
        PublishedDataset(
            "voc2007-test",
            "PASCAL VOC 2007 test: 210 images with masks (Table 2)",
            "PASCAL VOC's terms; images from Flickr",
            (
                Archive(
                    f"{_VOC}/voc2007/VOCtest_06-Nov-2007.tar",
                    451_020_800,
                    ("md5", "b6e924de25625d8de591ea690078ad9f"),
                ),
            ),
            "voc:ROOT/VOCdevkit/VOC2007:SPLIT",
            VOC2007_IMAGES,
        ),
        PublishedDataset(
            "coco2017",
            "COCO 2017: 80 things, train 118,287 and val 5,000 images (Tables 3 and 4)",
            "annotations CC BY 4.0; images under their own Flickr licences",
            (
                Archive(
                    f"{_COCO}/annotations/annotations_trainval2017.zip",
                    252_907_541,
                    ("sha256", "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268"),
                ),
                Archive(
                    f"{_COCO}/zips/val2017.zip",
                    815_585_330,
                    ("sha256", "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05"),
                ),
                Archive(
                    f"{_COCO}/zips/train2017.zip",
                    19_336_861_798,
                    ("sha256", "69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929"),
                ),
            ),
            "coco:ROOT:SPLIT",
            COCO2017_IMAGES,
        ),
    )
}


def published(name: str) -> PublishedDataset:
    """The published data set of that name.

    Raises:
        DatasetError: there is none; lists those there are.
    """
    if name not in PUBLISHED:
        raise DatasetError(f"data set '{name}': choose one of {', '.join(PUBLISHED)}")
    return PUBLISHED[name]

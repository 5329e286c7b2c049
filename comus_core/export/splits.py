"""Train and val: near duplicates together, the same images for the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from comus_core.settings import require
from comus_core.types import ImageId

TRAIN, VAL = "train", "val"


def split_of(
    image_ids: Sequence[ImageId], groups: Iterable[Sequence[ImageId]], share: float, seed: int
) -> Mapping[ImageId, str]:
    """Image id -> `train` or `val`.

    The rule: images of one group stay together; groups in the order of a hash of the seed and their first image go to
    val as long as they fit into `share` of the images, rounded, at least one image each side where there are two. Where
    none fits, the smallest group goes to val, the first of them in that order.

    Raises:
        SettingsError: all images are in one group.
    """
    member = {i: min(group) for group in groups for i in group}
    together: dict[ImageId, list[ImageId]] = {}
    for image_id in image_ids:
        together.setdefault(member.get(image_id, image_id), []).append(image_id)
    order = sorted(together, key=lambda first: sha256(f"{seed} {first}".encode("utf-8", "surrogatepass")).digest())
    wanted = min(max(round(share * len(image_ids)), 1), len(image_ids) - 1)
    val: set[ImageId] = set()
    for first in order:
        if len(val) + len(together[first]) <= wanted:
            val.update(together[first])
    require(
        len(order) > 1,
        f"a split: the {len(image_ids)} images are near duplicates of each other, so that they belong into one split; "
        "export without a split",
    )
    if not val:
        val.update(together[min(order, key=lambda first: len(together[first]))])
    return {i: VAL if i in val else TRAIN for i in image_ids}

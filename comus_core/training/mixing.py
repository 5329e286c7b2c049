"""Objects of one crop pasted into another, label and all (ClassMix, Olsson et al. 2021; Ghiasi et al. 2021).

What is pasted stands before a background that it was never photographed with, so that the network must know it by
itself. Whole categories are pasted, cut out along their labels.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def mixed(
    example: tuple[Tensor, ...], other: tuple[Tensor, ...], ignore: int, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    """An example with half of the categories of another one pasted in, at the place where they are there.

    Both are pixels (3, h, w), labels (h, w), perhaps more of (n, h, w). What has the label `ignore` is not pasted, and
    neither is background.

    Returns:
        New tensors; `example` itself if the other one holds no category.
    """
    present = np.setdiff1d(other[1].numpy(), [0, ignore])
    if not len(present):
        return example
    chosen = rng.choice(present, max(1, len(present) // 2), replace=False)
    pasted = torch.isin(other[1], torch.as_tensor(chosen, dtype=other[1].dtype))
    return tuple(torch.where(pasted, theirs, own) for own, theirs in zip(example, other, strict=True))

"""The loss of our own detector: 1 minus the F-measure of a soft prediction (DeepUSPS, eq. 1)."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-5


def f_loss(shares: Tensor, targets: Tensor, beta2: float) -> Tensor:
    """1 − F_β of each map.

    Args:
        shares: (n, ...) predictions in [0, 1].
        targets: (n, ...) in [0, 1]; soft ones count in part.
        beta2: β²; above 1 recall counts more.

    Returns:
        (n,); of a target without any foreground the mean of the shares, as F is 0 whatever is predicted.
    """
    shares, targets = shares.flatten(1), targets.flatten(1)
    hits, wanted = (shares * targets).sum(dim=1), targets.sum(dim=1)
    measure = (1 + beta2) * hits / (beta2 * wanted + shares.sum(dim=1) + TINY)
    return torch.where(wanted > 0, 1 - measure, shares.mean(dim=1))


def reached(logits: Tensor, targets: Tensor) -> Tensor:
    """Predictions, with those that are already beyond a soft target on its side set to 0 or 1: they teach no more.

    DeepUSPS' "soft threshold" (its section 3.1): a target of 0.7 asks for at least 0.7, not for 0.7.
    """
    shares = logits.sigmoid()
    certain = (targets > 0.5).to(shares.dtype)
    beyond = torch.where(targets > 0.5, shares >= targets, shares <= targets)
    return torch.where(beyond, certain, shares)

"""The point sets that the harness serves and the tests recompute from: groups on a plane, the same for the same n."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

ANIMALS = (
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "bird",
    "fish",
    "fox",
    "bear",
    "hare",
    "deer",
    "mole",
    "otter",
    "seal",
)


@lru_cache(maxsize=4)
def points(n: int, groups: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) float32 places and (n,) int group, -1 for one point in fifty."""
    rng = np.random.default_rng(n + groups)
    angle = rng.uniform(0, 2 * np.pi, groups)
    centre = (40 * np.sqrt(rng.uniform(0.02, 1, groups)) * [np.cos(angle), np.sin(angle)]).T
    group = rng.choice(groups, n, p=rng.dirichlet(np.full(groups, 4.0)))
    shape = rng.normal(size=(groups, 2, 2)) * 2 + np.eye(2) * 2
    place = centre[group] + np.einsum("nij,nj->ni", shape[group], rng.normal(size=(n, 2)))
    return place.astype(np.float32), np.where(rng.random(n) < 0.02, -1, group)


def names(groups: int) -> list[str]:
    return [f"{ANIMALS[k % len(ANIMALS)]} {k // len(ANIMALS) + 1}" for k in range(groups)]

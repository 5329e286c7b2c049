"""Points for the clustering benchmark: curved, overlapping classes of few intrinsic dimensions, without an eigengap."""

from __future__ import annotations

import numpy as np

CLASSES, LATENT, DIMENSIONS = 80, 18, 384
SPREAD = 1.1  # of a class, relative to the distance of class centres from the origin: neighbours overlap
NOISE = 0.25


def points(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, 384) float32 and (n,) int32 classes, of uneven sizes; classes are the same for every n and seed.

    A class is a Gaussian of its own shape in 18 dimensions; waves of random directions lift it into 384.
    """
    world, rng = np.random.default_rng(7), np.random.default_rng(seed)
    centres = world.normal(size=(CLASSES, LATENT))
    axes = world.normal(size=(CLASSES, LATENT, LATENT)) * world.gamma(1.0, 1.0, (CLASSES, 1, LATENT)) / LATENT**0.5
    share = world.dirichlet(np.full(CLASSES, 2.0))
    waves, phase = world.normal(size=(LATENT, DIMENSIONS)) / LATENT**0.5, world.uniform(0, 2 * np.pi, DIMENSIONS)
    labels = rng.choice(CLASSES, n, p=share).astype(np.int32)
    found = np.empty((n, DIMENSIONS), np.float32)
    for start in range(0, n, 20_000):
        own = labels[start : start + 20_000]
        inside = np.einsum("nij,nj->ni", axes[own], rng.normal(size=(len(own), LATENT)))
        lifted = np.sin(1.5 * (centres[own] + SPREAD * inside) @ waves + phase)
        found[start : start + len(own)] = lifted + NOISE * rng.normal(size=lifted.shape)
    return found, labels


def with_islands(
    found: np.ndarray, labels: np.ndarray, islands: int = 40, size: int = 32, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The points and, far enough away to be components of their own, bursts of near-duplicates of some of them.

    A burst has the class of the point it repeats; as with photographs of one moment, it is no category.
    """
    rng = np.random.default_rng(seed)
    repeated = rng.choice(len(found), islands, replace=False)
    deviation = float(found.std())
    away = rng.normal(size=(islands, found.shape[1]))
    away *= 1.5 * deviation * found.shape[1] ** 0.5 / np.linalg.norm(away, axis=1, keepdims=True)
    bursts = np.repeat(found[repeated] + away, size, axis=0)
    bursts += 0.05 * deviation * rng.normal(size=bursts.shape)
    return (
        np.concatenate([found, bursts.astype(np.float32)]),
        np.concatenate([labels, np.repeat(labels[repeated], size)]),
    )

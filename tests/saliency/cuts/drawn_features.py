"""Feature maps whose objects are known."""

import numpy as np


def two_regions(shape=(14, 18), dim=16, noise=0.2, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy features of a rectangle and of its surroundings, and the rectangle."""
    inside = np.zeros(shape, bool)
    inside[4:10, 6:13] = True
    return regions(inside.astype(int), dim, noise, seed), inside


def regions(labels: np.ndarray, dim=16, noise=0.2, seed=0) -> np.ndarray:
    """(h, w, dim) float32: an own direction for each label, all orthogonal, with noise; of length 3 or so."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((dim, labels.max() + 1)))[0].T
    features = directions[labels] + noise * rng.standard_normal((*labels.shape, dim)) / np.sqrt(dim)
    return (3 * features).astype(np.float32)


def three_objects() -> np.ndarray:
    """(16, 24) labels: background, a large, a middle and a small rectangle."""
    labels = np.zeros((16, 24), int)
    labels[2:9, 2:10] = 1
    labels[3:9, 14:19] = 2
    labels[11:14, 8:12] = 3
    return labels

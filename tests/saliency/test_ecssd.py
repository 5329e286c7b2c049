"""Saliency on real photographs with true masks (ECSSD)."""

import numpy as np
import pytest
from PIL import Image

from comus_core.config import SaliencySettings
from comus_core.saliency.detectors import load_detector
from comus_core.saliency.soft_maps import quantise
from comus_core.saliency.thresholding import find_proposals

pytestmark = pytest.mark.real


def mean_iou(photographs, detector_name: str, step: int, **settings) -> float:
    """Mean over images of the IoU between the proposal and the true mask."""
    chosen = SaliencySettings(detector=detector_name, ncut_encoder="efficientnet-lite0", **settings)
    detector = load_detector(chosen)
    scores = []
    files = sorted((photographs / "ECSSD" / "images").glob("*.jpg"))[::step]
    for file in files:
        image = np.asarray(Image.open(file).convert("RGB"))
        truth = np.asarray(Image.open(photographs / "ECSSD" / "masks" / f"{file.stem}.png")) > 0
        [soft] = detector.soft_maps([image], [file.stem])
        found = find_proposals(file.stem, quantise(soft), truth.shape, chosen)
        mask = found.mask(0) if len(found) else np.zeros_like(truth)
        scores.append((mask & truth).sum() / (mask | truth).sum())
    assert len(scores) >= 15
    return float(np.mean(scores))


@pytest.mark.parametrize("resize", ["soft", "binary"])
def test_u2netp_reaches_a_mean_iou_of_80_percent(photographs, resize):
    assert mean_iou(photographs, "u2netp", step=13, resize=resize) > 0.80


def test_tokencut_without_saliency_weights_reaches_a_mean_iou_of_40_percent(photographs):
    assert mean_iou(photographs, "tokencut", step=15) > 0.40

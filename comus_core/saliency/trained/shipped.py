"""`comus`: the detector that comes with the program, made by `comus saliency train` (docs/detector.md says how)."""

from __future__ import annotations

from comus_core.config import SaliencySettings
from comus_core.saliency.spec import DetectorSpec
from comus_core.saliency.trained.detector import LearnedDetector, detector_of

NAME = "comus"


def load(settings: SaliencySettings, device: str) -> LearnedDetector:
    """The detector, ready to run."""
    from comus_core.weights.store import locate

    return detector_of(NAME, NAME, locate(NAME), device)


SPEC = DetectorSpec(
    NAME,
    "our own detector: small and fast, trained on images without any label; always finds something",
    load,
    weights=NAME,
    rank=20,
    always=True,
    gflop=0.4,
)

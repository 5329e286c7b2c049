"""The values that a choice on the map can have; pages and HTTP routes agree here."""

from __future__ import annotations

from comus_core.types import MAP_METHODS, MAP_NAMES, MapMethod

__all__ = ["CHANGE_ROUND", "CHANGE_RUN", "COLOURINGS", "MAP_METHODS", "MAP_NAMES", "PREDICTION", "MapMethod"]

# What every run can be coloured by; `truth` with ground truth alone.
COLOURINGS: dict[str, str] = {
    "cluster": "Cluster",
    "truth": "Ground truth",
    "core": "Core / filtered",
    "confidence": "Confidence",
    "size": "Size",
    "distance": "Distance to centre",
}
# With the number of a round, or the id of a run, behind them.
PREDICTION, CHANGE_ROUND, CHANGE_RUN = "prediction-", "change-round-", "change-run-"

"""Each stage joined to the workspace: what decides its result (the key) and the work that makes it.

The pipelines call these in order. A stage whose artifact is there does no work and loads no model.
"""

from comus_core.stages.classifiers import classifier, load_classifier
from comus_core.stages.clusters import clustering, how_many, projection
from comus_core.stages.context import StageContext
from comus_core.stages.masks import counts, pseudo_masks
from comus_core.stages.networks import RoundInputs, RoundObserver, network
from comus_core.stages.photographs import check_images, check_truth, images_key, require_unchanged, require_usable
from comus_core.stages.predictions import TrainedNetwork, predictions, round_counts
from comus_core.stages.proposals import proposals, soft_maps, with_features
from comus_core.stages.regrouping import regrouped, smaller_neighbourhoods
from comus_core.stages.vectors import features, second_view, surroundings

__all__ = [
    "RoundInputs",
    "RoundObserver",
    "StageContext",
    "TrainedNetwork",
    "check_images",
    "check_truth",
    "classifier",
    "clustering",
    "counts",
    "features",
    "how_many",
    "images_key",
    "load_classifier",
    "network",
    "predictions",
    "projection",
    "proposals",
    "pseudo_masks",
    "regrouped",
    "require_unchanged",
    "require_usable",
    "round_counts",
    "second_view",
    "smaller_neighbourhoods",
    "soft_maps",
    "surroundings",
    "with_features",
]

"""What a detector of our own learns from: small images and the maps of classical priors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from joblib import Parallel, delayed  # type: ignore[import-untyped]
from PIL import Image
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from comus_core.datasets.reading import read_ahead
from comus_core.machine.threads import thread_count
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.preprocessing import resize_antialiased
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.stages.learned_detector import drawn_images
from comus_core.types import RgbImage, SoftMap
from comus_core.workspace import Artifact
from comus_core.workspace.shards import Tick


def saliency_examples(context: StageContext, images: Artifact, recipe: SaliencyRecipe) -> Artifact:
    """Of each image that is learned from: `pixels`, and the `maps` of the priors.

    Bytes of (side, side, 3) uint8 RGB and of (priors, side / 2, side / 2) uint8.
    """
    ids = drawn_images(tables.usable_ids(images), recipe.images, recipe.seed)
    values = to_dict(recipe)
    decided_by = {name: values[name] for name in ("priors", "prior", "side")}
    limit = {"images": recipe.images, "seed": recipe.seed} if len(ids) == recipe.images else {}

    def work(chosen: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        pictures = read_ahead(context.dataset, chosen, max(recipe.prior.side, recipe.side))
        pixels, maps = [], []
        # Formulas in Python and NumPy: threads would wait for each other, processes do not.
        with Parallel(n_jobs=thread_count(), return_as="generator") as processes:
            for one, its_maps in processes(delayed(_example)(image, recipe) for image in pictures):
                pixels.append(one)
                maps.append(its_maps)
                tick(1)
        columns = {"pixels": pa.array(pixels, pa.large_binary()), "maps": pa.array(maps, pa.large_binary())}
        return pa.table({"image_id": pa.array(chosen, pa.string()), **columns})

    key = context.key("saliency_examples", decided_by | limit, images=images)
    return context.make("priors", key, ids, work)


def _example(image: RgbImage, recipe: SaliencyRecipe) -> tuple[bytes, bytes]:
    """`pixels` and `maps` of one image."""
    from comus_core.saliency.priors.maps import prior_maps

    with threadpool_limits(1):
        found = prior_maps(image, recipe.priors, recipe.prior)
    small = (small_map(found[name], recipe.side // 2).tobytes() for name in recipe.priors)
    return np.rint(resize_antialiased(image, recipe.side)).astype(np.uint8).tobytes(), b"".join(small)


def small_map(soft: SoftMap, side: int) -> np.ndarray:
    """A map in [0, 1] as (side, side) uint8."""
    resized = Image.fromarray(soft.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(np.rint(np.asarray(resized) * 255), np.uint8)

"""Several priors of one image at once: what they share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.config.formulas import PriorSettings
from comus_core.saliency.priors import dsr, mbd, mc, rbd
from comus_core.saliency.priors.picture import picture_of
from comus_core.saliency.priors.prior import PriorMap, prior_map
from comus_core.settings import require
from comus_core.types import RgbImage, SoftMap

PRIORS: dict[str, PriorMap] = {
    rbd.NAME: rbd.rbd_map,
    mbd.NAME: mbd.mbd_map,
    dsr.NAME: dsr.dsr_map,
    mc.NAME: mc.mc_map,
}


def prior_maps(
    image: RgbImage, names: Sequence[str] = tuple(PRIORS), settings: PriorSettings = PriorSettings()
) -> dict[str, SoftMap]:
    """The soft maps of some priors of one image, by name.

    Call it within `comus_core.machine.threads.Threads`: for such small matrices several threads of BLAS take longer
    than one.

    Args:
        image: (H, W, 3) uint8 RGB.
        names: of `PRIORS`.
        settings: the working size and the constants.

    Returns:
        Each (h, w) float32 in [0, 1], all of the same size: the longer side is `settings.side`, or the image's own
        where that is smaller.

    Raises:
        SettingsError: an unknown name; lists those there are.
    """
    unknown = [name for name in names if name not in PRIORS]
    require(not unknown, f"prior {', '.join(map(repr, unknown))}: choose of {', '.join(PRIORS)}")
    picture = picture_of(image, settings)
    return {name: prior_map(picture, PRIORS[name]) for name in names}

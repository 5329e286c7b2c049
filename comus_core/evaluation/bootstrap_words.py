"""Which bootstrap an interval is of, in the same words wherever one is shown."""

from __future__ import annotations

from comus_core.evaluation.bootstrap import CONFIDENCE
from comus_core.text import counted


def bootstrap_words(images: int, resamples: int, seed: int, *, fixed: bool) -> str:
    """The pairing, the resamples, the matching, the kind of interval and the seed."""
    how = "the matching held fixed" if fixed else "categories matched anew in each resample"
    return (
        f"paired bootstrap over {counted(images, 'image')}, {resamples:,} resamples, {how}, "
        f"{CONFIDENCE:g} % percentile interval, seed {seed}"
    )

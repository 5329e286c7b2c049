"""What `comus figure` can be asked for. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from comus_core.settings import Positive, require, settings

FigureNumber = Literal["3", "5", "6", "8", "9", "10"]
FIGURE_NUMBERS: tuple[str, ...] = get_args(FigureNumber)
# Figure -> what it shows and the endings of the files that it can be written as.
KNOWN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "3": ("core and filtered proposals of each cluster", (".png", ".csv", ".json")),
    "9": ("IoU of each class against its size", (".html", ".csv", ".json")),
}


@settings
class FigureSettings:
    """Draw a figure of the paper from a run: 3, core and filtered proposals; 9, IoU against the size of classes."""

    number: FigureNumber
    """3: core and filtered proposals of each cluster; 9: IoU of each class against its size, which needs ground
    truth. The others are refused: what they show is not documented here."""
    out: str
    """The file: FILE.png of 3, FILE.html of 9, or FILE.csv or FILE.json, the data behind either."""
    run: str = "latest"
    """The run, or RUN@ROUND of a trained round for 9."""
    crops: Positive = 6
    """Figure 3: core crops of a cluster; of what the filter drops it shows half as many."""
    force: bool = False
    """Replace a file that this program did not write."""

    def __post_init__(self) -> None:
        known = ", ".join(f"{number} ({words})" for number, (words, _) in KNOWN.items())
        require(
            self.number in KNOWN,
            f"figure {self.number}: what the paper's figure shows is not documented here, so that nothing is drawn "
            f"that only looks like it; there are {known}",
        )
        endings = KNOWN[self.number][1]
        fits = any(self.out.lower().endswith(ending) for ending in endings)
        require(fits, f"out {self.out}: figure {self.number} is written as a file that ends in {', '.join(endings)}")

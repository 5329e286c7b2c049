"""What the page "More like these" compares with, and its ranking, computed once and held. No Streamlit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

import numpy as np

from app.data.run_cache import Held
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.runs.run_view import RunView
from comus_core.runs.similarity import TOP, Ranking, candidates, ranked, similarities, vectors_of_rows
from comus_core.types import FloatArray, IntArray, SimilarBy, Vectors
from comus_core.workspace.decisions import Decisions

MOST = 50  # proposals compared with at a time: their ids stand in the address
BINS = 80

_similarities: Held[FloatArray] = Held(4)
_rankings: Held[Ranking] = Held(4)


@dataclass(frozen=True, eq=False)
class SimilarQuery:
    """Proposals and images to compare with.

    Attributes:
        rows: (q,) rows of the proposals.
        by: to their mean, or to the nearest of them.
        image: (m, d) raw vectors of an image that is in no run; none without an image.
        image_job: the job that described it, and its file; None without an image.
        image_file: of it.
    """

    rows: IntArray
    by: SimilarBy = "mean"
    image: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    image_job: int | None = None
    image_file: str | None = None

    def __len__(self) -> int:
        return len(self.rows) + len(self.image)

    def settings(self, view: RunView, threshold: float) -> SimilarSettings:
        """What `comus similar` is to be given for the same."""
        proposals = tuple(str(p) for p in view.proposals.proposal_id[self.rows])
        return SimilarSettings(proposals, self.image_file, self.by, threshold=round(threshold, 6))


def like_value(ids: Sequence[str]) -> str:
    """Ids as the value of the address's `like`; of more than `MOST`, so many, evenly spread."""
    some = list(ids) if len(ids) <= MOST else [ids[k * len(ids) // MOST] for k in range(MOST)]
    return ",".join(quote(one, safe="/#: ") if "%" in one or "," in one else one for one in some)


def like_ids(value: str) -> tuple[str, ...]:
    """The ids in the address's `like`, each once, at most `MOST`."""
    return tuple(dict.fromkeys(unquote(one) if "%" in one else one for one in value.split(",") if one))[:MOST]


def address(run_id: str, ids: Sequence[str]) -> str:
    """The address of the page with some proposals to compare with."""
    return "similar?" + urlencode({"run": run_id, "like": like_value(ids)})


def by_of(value: str) -> SimilarBy:
    """The way to compare that an address names; the mean where it names none."""
    return "nearest" if value == "nearest" else "mean"


def ranking(view: RunView, decided: Decisions, query: SimilarQuery) -> Ranking:
    """All proposals but those compared with and erased ones, most similar first."""
    key = (_key(view), tuple(query.rows.tolist()), query.by, query.image_job)

    def compare() -> FloatArray:
        vectors = [vectors_of_rows(view, query.rows)] if len(query.rows) else []
        return similarities(view, np.concatenate([*vectors, *([query.image] if len(query.image) else [])]), query.by)

    similarity = _similarities.get(key, compare)
    among = candidates(view, decided, query.rows)
    return _rankings.get((key, decided.layout_version), lambda: ranked(view, similarity, among))


def threshold_of(ranking: Ranking, value: str) -> float:
    """The threshold that an address names; where it names none from −1 to 1, what the first `TOP` reach."""
    try:
        named = float(value)
    except ValueError:
        named = float("nan")
    return named if -1 <= named <= 1 else ranking.at(TOP)


def limits(ranking: Ranking, threshold: float) -> tuple[float, float]:
    """The ends of the slider: all proposals are in between, and the threshold."""
    least = min(float(ranking.similarity[-1]) if len(ranking) else 0.0, threshold)
    return max(-1.0, float(np.floor(100 * least)) / 100 - 0.01), 1.0


def histogram(ranking: Ranking, threshold: float) -> tuple[FloatArray, IntArray, IntArray]:
    """Edges (BINS + 1,) of the similarity, and proposals (BINS,) that reach the threshold, and that do not."""
    count, (least, most) = ranking.count(threshold), limits(ranking, threshold)
    edges = np.linspace(least, most, BINS + 1)
    within = np.clip(ranking.similarity, least, most)
    return edges, np.histogram(within[:count], edges)[0], np.histogram(within[count:], edges)[0]


def _key(view: RunView) -> Hashable:
    return str(view.workspace.root), view.run.id, tuple(sorted(view.run.artifacts.items()))

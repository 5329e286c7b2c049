"""Naming clusters one after the other: those without a name, what comes next, shared names, suggestions."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from comus_core.curation.decision_words import listed
from comus_core.runs.run_view import RunView
from comus_core.text import one_line
from comus_core.workspace.decisions import Decisions, Event

BETWEEN_NAMES = re.compile(r"[\n\r,;\t\u2028\u2029]")
MOST_NAMES, LONGEST_NAME = 2_000, 200  # of a list of names, and letters of a name in it


@dataclass(frozen=True)
class NamingProgress:
    """How many of the clusters in use have a name from a person."""

    named: int
    total: int

    @property
    def words(self) -> str:
        """`3 of 8 named`."""
        return f"{self.named:,} of {self.total:,} named"

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.named / self.total if self.total else 1.0


def naming_order(view: RunView, decided: Decisions) -> list[int]:
    """Ids of the clusters in use, the largest first; of equal size by id."""
    categories = view.categories(decided)
    size_of = {k: len(rows) for k, rows in zip(categories.ids, categories.rows, strict=True)}
    return sorted(size_of, key=lambda k: (-size_of[k], k))


def naming_progress(order: Sequence[int], decided: Decisions) -> NamingProgress:
    """How many of the clusters of `naming_order` have a name."""
    return NamingProgress(sum(k in decided.names for k in order), len(order))


def next_unnamed(order: Sequence[int], named: Container[int], after: int | None = None) -> int | None:
    """The first cluster without a name after one, then from the start; never that one, None if there is no other."""
    start = order.index(after) + 1 if after in order else 0
    turned = [*order[start:], *order[:start]]
    return next((k for k in turned if k not in named and k != after), None)


def neighbour(order: Sequence[int], current: int, step: int) -> int | None:
    """The cluster `step` places after the current one, None beyond the ends."""
    place = order.index(current) + step if current in order else -1
    return order[place] if 0 <= place < len(order) else None


def after_removal(before: Sequence[int], decided: Decisions, gone: int, live: Container[int]) -> int | None:
    """What to open when a cluster was merged or rejected: the next without a name, else the next, else the last.

    Args:
        before: the order with it.
        decided: the decisions after it.
        gone: its id.
        live: ids of the clusters that are still in use.
    """
    left = [k for k in before if k in live or k == gone]
    found = next_unnamed(left, decided.names, gone)
    if found is not None:
        return found
    place = left.index(gone)
    return next(iter([*left[place + 1 :], *reversed(left[:place])]), None)


def of_the_same_name(decided: Decisions, ids: Iterable[int], cluster: int) -> list[int]:
    """Ids of the other named clusters whose name differs from this one's at most in capitals."""
    name = decided.names.get(cluster)
    if name is None:
        return []
    return [k for k in ids if k != cluster and decided.names.get(k, "").casefold() == name.casefold()]


def merge_offer(others: Sequence[int], name: str) -> str:
    """`Cluster 3 is called dog too`."""
    if len(others) == 1:
        return f"Cluster {others[0]} is called {name} too"
    return f"Clusters {listed(others, 5)} are called {name} too"


def opened_by(event: Event) -> int | None:
    """The cluster to open when a decision was undone or redone; None if it is not about one in particular."""
    about = event.payload.get("cluster", event.payload.get("category"))
    if about is None:
        about = next(iter(event.payload.get("categories", ())), None)
    return int(about) if about is not None and int(about) >= 0 else None


def names_of_text(text: str) -> list[str]:
    """The names in a pasted or uploaded list, one a line or with commas, semicolons or tabs between, each once."""
    parts = (one_line(part.strip(" \"'")) for part in BETWEEN_NAMES.split(text.lstrip("\ufeff")))
    return distinct_names(part for part in parts if part and len(part) <= LONGEST_NAME)[:MOST_NAMES]


def suggested_names(own_list: Iterable[str], here: Iterable[str], elsewhere: Mapping[str, int]) -> list[str]:
    """Names to suggest: those of the list, then those in use in the run, then of others, the most used first."""
    others = sorted(elsewhere, key=lambda name: (-elsewhere[name], name.casefold()))
    return distinct_names([*own_list, *here, *others])


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names in their order, of those that differ in capitals only the first."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return list(first.values())

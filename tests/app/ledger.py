"""What was done to categories, kept as simply as can be: a list, and what it amounts to, worked out from its start."""

from __future__ import annotations

from typing import Any

from comus_core.workspace.decisions import Event

Entry = tuple[str, dict[str, Any]]


def entry(event: Event) -> Entry:
    """A decision without what was measured for it."""
    return event.kind, {k: v for k, v in event.payload.items() if k != "members"}


class Ledger:
    """All that was done, undone things and all.

    Attributes:
        written: every entry, `undo` and `redo` among them.
        done: those in force.
        undone: those taken back, the last of which comes back first.
    """

    def __init__(self, members: dict[str, int]) -> None:
        self.members = members  # proposal -> cluster
        self.written: list[Entry] = []
        self.done: list[tuple[Entry, dict[str, int]]] = []
        self.undone: list[tuple[Entry, dict[str, int]]] = []

    def write(self, kind: str, payload: dict[str, Any], parts: dict[str, int] | None = None) -> None:
        """Something was done; `parts` is where a split put its proposals."""
        self.written.append((kind, payload))
        if kind == "undo":
            self.undone.append(self.done.pop())
        elif kind == "redo":
            self.done.append(self.undone.pop())
        else:
            self.done.append(((kind, payload), parts or {}))
            self.undone = []

    @property
    def names(self) -> dict[int, str]:
        """Category -> the name that a person gave."""
        names: dict[int, str] = {}
        for (kind, payload), _ in self.done:
            if kind == "rename":
                names[payload["cluster"]] = payload["name"]
            elif kind == "reset_name":
                del names[payload["cluster"]]
            elif kind == "merge":
                ids = payload["categories"]
                given = [names.pop(k) for k in ids if k in names]
                names |= {ids[0]: given[0]} if given else {}
        return names

    @property
    def own_names(self) -> dict[int, str]:
        """Category -> its name without a person's: `cluster 7`, or that of the split it came from."""
        own: dict[int, str] = {}
        names: dict[int, str] = {}
        for number, ((kind, payload), _) in enumerate(self.done):
            if kind == "split":
                names = Ledger._until(self, number).names
                whole = payload["category"]
                called = names.get(whole) or own.get(whole) or f"cluster {whole}"
                taken = set(own.values())
                for k in payload["made"]:
                    n = next(n for n in range(2, 99) if f"{called} · {n}" not in taken)
                    own[k] = f"{called} · {n}"
                    taken.add(own[k])
        return own

    @property
    def rejected(self) -> set[int]:
        """Categories that are out."""
        out: set[int] = set()
        for (kind, payload), _ in self.done:
            out |= set(payload["categories"]) if kind == "reject" else set()
            out -= set(payload["categories"]) if kind == "restore" else set()
        return out

    @property
    def percent(self) -> float:
        """The filter of all."""
        return next((p["percent"] for (kind, p), _ in reversed(self.done) if kind == "filter"), 0.0)

    @property
    def category(self) -> dict[str, int]:
        """Proposal -> its category, −1 in none."""
        where, gone, home = dict(self.members), {}, dict(self.members)
        erased: set[str] = set()
        for (kind, payload), parts in self.done:
            if kind == "merge":
                first, *rest = payload["categories"]
                gone |= {k: first for k, now in gone.items() if now in rest} | dict.fromkeys(rest, first)
            elif kind == "split":
                where |= parts
            elif kind == "move":
                where |= dict.fromkeys(payload["proposals"], payload["category"])
            if kind in ("move", "accept"):
                erased -= set(payload["proposals"])
            if kind == "accept":
                where |= {p: home[p] for p in payload["proposals"] if where[p] == -1}
            elif kind == "erase":
                erased |= set(payload["proposals"])
        return {p: -1 if p in erased else gone.get(k, k) for p, k in where.items()}

    def name_of(self, category: int) -> str:
        """What a category is called."""
        return self.names.get(category) or self.own_names.get(category) or f"cluster {category}"

    def _until(self, number: int) -> Ledger:
        earlier = Ledger(self.members)
        earlier.done = self.done[:number]
        return earlier

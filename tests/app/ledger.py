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
            elif kind == "create":
                names[payload["made"][0]] = payload["name"]
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
            elif kind == "create":
                own |= {k: f"cluster {k}" for k in payload["made"]}
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
    def live(self) -> set[int]:
        """Categories in use, those without a proposal among them."""
        merged = {k for (kind, p), _ in self.done if kind == "merge" for k in p["categories"][1:]}
        return (set(self.members.values()) | set(self.own_names)) - merged - self.rejected - {-1}

    @property
    def percent(self) -> float:
        """The filter of all."""
        return next((p["percent"] for (kind, p), _ in reversed(self.done) if kind == "filter"), 0.0)

    @property
    def category(self) -> dict[str, int]:
        """Proposal -> its category, −1 in none."""
        where, gone, home = dict(self.members), {}, dict(self.members)
        for (kind, payload), parts in self.done:
            ids = payload.get("proposals", ())
            if kind == "merge":
                first, *rest = payload["categories"]
                gone |= {k: first for k, now in gone.items() if now in rest} | dict.fromkeys(rest, first)
            elif kind == "split":
                where |= parts
            elif kind == "move":
                where |= dict.fromkeys(ids, payload["category"])
            elif kind == "create":
                where |= dict.fromkeys(ids, payload["made"][0])
            elif kind in ("accept", "put_back"):
                where |= {p: home[p] for p in ids if where[p] == -1}
        out = self.erased | {p for p in where if p.rpartition("#")[0] in self.excluded}
        return {p: -1 if p in out else gone.get(k, k) for p, k in where.items()}

    @property
    def gone(self) -> set[str]:
        """Proposals that were rejected or erased one by one."""
        rejected: set[str] = set()
        for (kind, payload), parts in self.done:
            ids = {*payload.get("proposals", ()), *parts}
            out = kind == "move" and payload["category"] == -1
            rejected = rejected | ids if out else rejected if kind == "erase" else rejected - ids
        return rejected | self.erased

    @property
    def erased(self) -> set[str]:
        """Proposals whose masks count as background."""
        erased: set[str] = set()
        for (kind, payload), _ in self.done:
            ids = {*payload.get("proposals", ()), *(p for p, _ in payload.get("masks", ())[:1])}
            erased = erased | ids if kind == "erase" else erased - ids
        return erased

    @property
    def redrawn(self) -> dict[str, str]:
        """Proposal -> run lengths of the mask that a person drew."""
        masks: dict[str, str | None] = {}
        for (kind, payload), _ in self.done:
            masks |= dict(payload["masks"]) if kind == "redraw" else {}
        return {p: rle for p, rle in masks.items() if rle is not None}

    @property
    def excluded(self) -> set[str]:
        """Images that are out."""
        out: set[str] = set()
        for (kind, payload), _ in self.done:
            out |= set(payload["images"]) if kind == "exclude" else set()
            out -= set(payload["images"]) if kind == "include" else set()
        return out

    def name_of(self, category: int) -> str:
        """What a category is called."""
        return self.names.get(category) or self.own_names.get(category) or f"cluster {category}"

    def _until(self, number: int) -> Ledger:
        earlier = Ledger(self.members)
        earlier.done = self.done[:number]
        return earlier


class Exclusions:
    """What was excluded from new runs of a data set: the steps in force."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, set[str]]] = []

    @property
    def images(self) -> set[str]:
        """The images that are out now."""
        out: set[str] = set()
        for kind, images in self.steps:
            out = out | images if kind == "exclude" else out - images
        return out

    def tick(self, images: list[str], out: bool) -> None:
        """Images are ticked, or their ticks taken away; what is so already is no part of the step."""
        changed = set(images) - self.images if out else set(images) & self.images
        if changed:
            self.steps.append(("exclude" if out else "include", changed))

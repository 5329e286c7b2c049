"""Immutable maps and sets: a changed copy shares nearly all of its memory with the original.

A run of 100,000 decisions has as many states, each differing from the last in one or two entries. With plain copies
each state would cost as much as all entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Generic, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")
GONE: Any = object()  # the value of a removed key
LEAST_RECENT = 64


class LayeredMap(Mapping[K, V], Generic[K, V]):
    """An immutable map: a large shared dictionary, and a small one of later changes.

    The small one is copied with every change, and merged into a new large one when it is longer than its square root: a
    change costs about the square root of the number of entries.
    """

    __slots__ = ("_base", "_length", "_recent")

    def __init__(self, entries: Mapping[K, V] | Iterable[tuple[K, V]] = ()) -> None:
        self._base: dict[K, V] = dict(entries)
        self._recent: dict[K, V] = {}
        self._length = len(self._base)

    @classmethod
    def of(cls, entries: Mapping[K, V]) -> LayeredMap[K, V]:
        """The map itself if it is a `LayeredMap`, else one with its entries."""
        return entries if isinstance(entries, LayeredMap) else cls(entries)

    def changed(self, changes: Mapping[K, V]) -> LayeredMap[K, V]:
        """A copy with these values; `GONE` removes a key, which may be missing."""
        if not changes:
            return self
        copy: LayeredMap[K, V] = LayeredMap.__new__(LayeredMap)
        copy._base, copy._recent = self._base, self._recent | cast(dict[K, V], changes)
        copy._length = self._length + sum((v is not GONE) - (k in self) for k, v in changes.items())
        if len(copy._recent) ** 2 > max(len(copy._base), LEAST_RECENT**2):
            copy._base, copy._recent = copy.plain(), {}
        return copy

    def __or__(self, other: Mapping[K, V]) -> LayeredMap[K, V]:
        return self.changed(other)

    def without(self, keys: Iterable[K]) -> LayeredMap[K, V]:
        """A copy without these keys."""
        return self.changed({k: GONE for k in keys if k in self})

    def plain(self) -> dict[K, V]:
        """A new dictionary with the same entries, the fastest for many look-ups."""
        entries = self._base | self._recent
        for gone in [k for k, v in self._recent.items() if v is GONE]:
            del entries[gone]
        return entries

    def __getitem__(self, key: K) -> V:
        value = self._recent.get(key, self) if self._recent else self
        if value is self:
            return self._base[key]
        if value is GONE:
            raise KeyError(key)
        return cast(V, value)

    def __contains__(self, key: object) -> bool:
        recent: dict[Any, Any] = self._recent
        value = recent.get(key, self) if recent else self
        return key in self._base if value is self else value is not GONE

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or the default."""
        value = self._recent.get(key, self) if self._recent else self
        value = self._base.get(key, default) if value is self else value
        return default if value is GONE else value

    def __iter__(self) -> Iterator[K]:
        return iter(self.plain() if self._recent else self._base)

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mapping) or len(self) != len(other):
            return False if isinstance(other, Mapping) else NotImplemented
        return self.plain() == (other.plain() if isinstance(other, LayeredMap) else dict(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LayeredMap({self.plain()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return LayeredMap, (self.plain(),)


class LayeredSet(Set[K], Generic[K]):
    """An immutable set, stored like `LayeredMap`."""

    __slots__ = ("_map",)

    def __init__(self, entries: Iterable[K] = ()) -> None:
        self._map: LayeredMap[K, None] = LayeredMap(dict.fromkeys(entries))

    @classmethod
    def of(cls, entries: Set[K]) -> LayeredSet[K]:
        """The set itself if it is a `LayeredSet`, else one with its entries."""
        return entries if isinstance(entries, LayeredSet) else cls(entries)

    def __or__(self, other: Set[K]) -> LayeredSet[K]:  # type: ignore[override]
        return self._with(self._map.changed(dict.fromkeys(k for k in other if k not in self._map)))

    def __sub__(self, other: Iterable[K]) -> LayeredSet[K]:  # type: ignore[override]
        return self._with(self._map.without(other))

    def plain(self) -> frozenset[K]:
        """A frozenset with the same entries."""
        return frozenset(self._map.plain())

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __iter__(self) -> Iterator[K]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Set):
            return NotImplemented
        return self is other or (len(self) == len(other) and self.plain() == frozenset(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"LayeredSet({set(self)!r})"

    def _with(self, entries: LayeredMap[K, None]) -> LayeredSet[K]:
        if entries is self._map:
            return self
        copy: LayeredSet[K] = LayeredSet.__new__(LayeredSet)
        copy._map = entries
        return copy

    @classmethod
    def _from_iterable(cls, entries: Iterable[Any]) -> frozenset[Any]:  # type: ignore[override]
        return frozenset(entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return LayeredSet, (self.plain(),)

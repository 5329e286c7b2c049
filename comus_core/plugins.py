"""Parts found by name: this program's own, and those that installed packages register as entry points.

A package offers a part with one line of its `pyproject.toml`, such as

    [project.entry-points."comus_explorer.detectors"]
    edges = "my_package.edges:SPEC"

where `SPEC` is what this program's own parts of that kind are described by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Protocol, TypeVar

from comus_core.errors import SettingsError


class Named(Protocol):
    """A part of any kind."""

    @property
    def name(self) -> str:
        """What settings call it."""
        ...

    @property
    def written(self) -> str:
        """The same with what has to follow it, such as "masks:DIR"."""
        ...


S = TypeVar("S", bound=Named)


class Registry(Mapping[str, S], Generic[S]):
    """Name -> spec: this program's own parts in their order, then those of other packages by name."""

    def __init__(self, what: str, group: str, kind: type[S], own: Sequence[S]) -> None:
        """`what` is the kind in words, `group` the entry points' group, `kind` the class of a spec."""
        self.what, self.group, self._kind = what, group, kind
        self._own = {spec.name: spec for spec in own}

    def __getitem__(self, name: str) -> S:
        return self._own[name] if name in self._own else self._others[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._own, *self._others[0]))

    def __len__(self) -> int:
        return len(self._own) + len(self._others[0])

    @property
    def faults(self) -> Mapping[str, str]:
        """Name of the entry point -> why its part cannot be used."""
        return self._others[1]

    def package_of(self, name: str) -> str | None:
        """The package that brought a part, with its version; None for this program's own."""
        return self._others[2].get(name)

    def named(self, name: str, also: str = "") -> S:
        """The part of that name.

        Raises:
            SettingsError: there is none; lists the names there are (and `also`), or says why its package failed.
        """
        if name in self:
            return self[name]
        if name in self.faults:
            raise SettingsError(f"{self.what} '{name}' cannot be used: {self.faults[name]}")
        written = ", ".join(spec.written for spec in self.values())
        raise SettingsError(f"{self.what} '{name}': choose one of {written}{also}")

    @cached_property
    def _others(self) -> tuple[dict[str, S], dict[str, str], dict[str, str]]:
        """Specs, faults and packages of other packages' parts, each by name."""
        specs: dict[str, S] = {}
        faults: dict[str, str] = {}
        packages: dict[str, str] = {}
        for point in sorted(entry_points(group=self.group), key=lambda p: (p.name, p.value)):
            try:
                spec = self._loaded(point)
                if spec.name in self._own or spec.name in specs:
                    raise TypeError(f"the name '{spec.name}' is taken")
            except Exception as fault:  # another's code: whatever it raises must not stop what does not need it
                faults[point.name] = f"{_package(point)}: {type(fault).__name__}: {fault}"
                continue
            specs[spec.name], packages[spec.name] = spec, _package(point)
        return specs, faults, packages

    def _loaded(self, point: EntryPoint) -> S:
        spec = point.load()
        if not isinstance(spec, self._kind):
            raise TypeError(f"{point.value} is a {type(spec).__name__}, not a {self._kind.__name__}")
        return spec


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value

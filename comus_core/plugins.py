"""Parts by name: the built-in ones, and those that installed packages register as entry points.

A package offers a part with one line of its `pyproject.toml`, such as

    [project.entry-points."comus_explorer.detectors"]
    edges = "my_package.edges:SPEC"

where `SPEC` is of the same class as the built-in parts of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Protocol, TypeVar

from comus_core.errors import SettingsError


class Named(Protocol):
    """A detector, encoder or format."""

    @property
    def name(self) -> str:
        """Its name in settings."""
        ...

    @property
    def written(self) -> str:
        """The name with what must follow it, such as "masks:DIR"."""
        ...


S = TypeVar("S", bound=Named)


class Registry(Mapping[str, S], Generic[S]):
    """Name -> spec: the built-in parts in their order, then those of other packages by name."""

    def __init__(self, label: str, group: str, kind: type[S], builtin: Sequence[S]) -> None:
        """`label` is the kind in messages, `group` the entry points' group, `kind` the class of a spec."""
        self.label, self.group, self._kind = label, group, kind
        self._builtin = {spec.name: spec for spec in builtin}

    def __getitem__(self, name: str) -> S:
        return self._builtin[name] if name in self._builtin else self._from_packages[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._builtin, *self._from_packages[0]))

    def __len__(self) -> int:
        return len(self._builtin) + len(self._from_packages[0])

    @property
    def faults(self) -> Mapping[str, str]:
        """Name of the entry point -> why its part cannot be used."""
        return self._from_packages[1]

    def package_of(self, name: str) -> str | None:
        """The package of a part, with its version; None for a built-in one."""
        return self._from_packages[2].get(name)

    def named(self, name: str, also: str = "") -> S:
        """The part of that name.

        Raises:
            SettingsError: there is none; lists the known names and `also`, or says why its package failed.
        """
        if name in self:
            return self[name]
        if name in self.faults:
            raise SettingsError(f"{self.label} '{name}' cannot be used: {self.faults[name]}")
        written = ", ".join(spec.written for spec in self.values())
        raise SettingsError(f"no {self.label} '{name}': choose one of {written}{also}")

    @cached_property
    def _from_packages(self) -> tuple[dict[str, S], dict[str, str], dict[str, str]]:
        """Specs, errors and packages of the parts of other packages, each by name."""
        specs: dict[str, S] = {}
        faults: dict[str, str] = {}
        packages: dict[str, str] = {}
        for point in sorted(entry_points(group=self.group), key=lambda p: (p.name, p.value)):
            try:
                spec = self._load(point)
                if spec.name in self._builtin or spec.name in specs:
                    raise TypeError(f"the name '{spec.name}' is taken")
            except Exception as fault:  # foreign code: its error must not stop what does not need it
                faults[point.name] = f"{_package(point)}: {type(fault).__name__}: {fault}"
                continue
            specs[spec.name], packages[spec.name] = spec, _package(point)
        return specs, faults, packages

    def _load(self, point: EntryPoint) -> S:
        spec = point.load()
        if not isinstance(spec, self._kind):
            raise TypeError(f"{point.value} is a {type(spec).__name__}, not a {self._kind.__name__}")
        return spec


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value

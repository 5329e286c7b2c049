"""Parts by name: the built-in ones, and those that installed packages register as entry points.

A package offers a part with one line of its `pyproject.toml`, such as

    [project.entry-points."comus_explorer.detectors"]
    edges = "my_package.edges:SPEC"

where `SPEC` is of the same class as the built-in parts of that kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from comus_core.errors import SettingsError

PathKind = Literal["folder", "file", "either", "name"]
WORDS: dict[PathKind, str] = {"folder": "DIR", "file": "PATH", "either": "PATH", "name": "NAME"}
NAMES: dict[PathKind, str] = {"folder": "folder", "file": "file", "either": "file or folder", "name": "model"}


class Named(Protocol):
    """A detector, encoder or format."""

    @property
    def name(self) -> str:
        """Its name in settings."""

    @property
    def written(self) -> str:
        """The name with what must follow it, such as "masks:DIR"."""


class WithPath(Named, Protocol):
    """A part whose name may have to be followed by a path of the user's own, or by the name of one of its models."""

    @property
    def path_kind(self) -> PathKind | None:
        """What lies at the path, or "name"; None takes neither."""


S = TypeVar("S", bound=Named)


T = TypeVar("T")


@dataclass
class FromPackages(Generic[T]):
    """What other packages bring: parts by name, errors by name, and the package of each part, with its version."""

    parts: dict[str, T] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)


class Extensible(Mapping[str, T], Generic[T]):
    """Name -> part: the built-in ones in their order, then those of other packages, looked up on first use."""

    def __init__(self, builtin: Mapping[str, T]) -> None:
        self._builtin = builtin

    def __getitem__(self, name: str) -> T:
        return self._builtin[name] if name in self._builtin else self._from_packages.parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*self._builtin, *self._from_packages.parts))

    def __len__(self) -> int:
        return len(self._builtin) + len(self._from_packages.parts)

    @property
    def faults(self) -> Mapping[str, str]:
        """Name -> why a part of another package cannot be used."""
        return self._from_packages.faults

    def package_of(self, name: str) -> str | None:
        """The package of a part, with its version; None for a built-in one."""
        return self._from_packages.packages.get(name)

    @cached_property
    def _from_packages(self) -> FromPackages[T]:
        raise NotImplementedError


class Registry(Extensible[S]):
    """Name -> spec, of one kind of part."""

    def __init__(self, label: str, group: str, kind: type[S], builtin: Sequence[S]) -> None:
        """`label` is the kind in messages, `group` the entry points' group, `kind` the class of a spec."""
        super().__init__({spec.name: spec for spec in builtin})
        self.label, self.group, self._kind = label, group, kind

    def named(self, name: str) -> S:
        """The part of that name.

        Raises:
            SettingsError: there is none; lists the names there are, or says why its package failed.
        """
        if name in self:
            return self[name]
        if name in self.faults:
            raise SettingsError(f"{self.label} '{name}' cannot be used: {self.faults[name]}")
        written = ", ".join(spec.written for spec in self.values())
        raise SettingsError(f"{self.label} '{name}': choose one of {written}")

    @cached_property
    def _from_packages(self) -> FromPackages[S]:
        loaded: FromPackages[S] = FromPackages()
        for point, part in parts_of_others(self.group):
            if not isinstance(part, Exception | self._kind):
                part = TypeError(f"{point.value} is a {type(part).__name__}, not a {self._kind.__name__}")
            elif not isinstance(part, Exception) and (part.name in self._builtin or part.name in loaded.parts):
                part = TypeError(f"the name '{part.name}' is taken")
            if isinstance(part, Exception):
                loaded.faults[point.name] = f"{package_of(point)}: {type(part).__name__}: {part}"
            else:
                loaded.parts[part.name], loaded.packages[part.name] = part, package_of(point)
        return loaded


P = TypeVar("P", bound=WithPath)


def part_and_path(parts: Registry[P], name: str) -> tuple[P, Path | None]:
    """The part that a setting such as "u2netp" or "masks:DIR" names, and the path behind it, if it takes one.

    Raises:
        SettingsError: there is no such part, or the path or name behind it is missing.
    """
    kind, path = split(name)
    spec = parts.named(kind if kind in parts and parts[kind].path_kind else name)
    if spec.path_kind is None:
        return spec, None
    if not path.strip():
        raise SettingsError(f"{parts.label} '{name}': name the {NAMES[spec.path_kind]} too, as in {spec.written}")
    return spec, None if spec.path_kind == "name" else Path(path).expanduser()


def split(name: str) -> tuple[str, str]:
    """What stands before and behind the first colon of a setting; "" behind where there is none."""
    kind, _, path = name.partition(":")
    return kind, path


def with_path(parts: Registry[P], name: str, change: Callable[[Path], object]) -> str:
    """The same setting with another path of the user's own; one without a path, or of an unknown part, as it is.

    Raises:
        SettingsError: the path is missing.
    """
    if split(name)[0] not in parts:
        return name
    spec, path = part_and_path(parts, name)
    return f"{spec.name}:{change(path)}" if path is not None else name


def written(name: str, path_kind: PathKind | None) -> str:
    """How a setting names a part."""
    return f"{name}:{WORDS[path_kind]}" if path_kind else name


def parts_of_others(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """What installed packages register in a group of entry points, by name; in place of what fails, its fault."""
    for point in sorted(entry_points(group=group), key=lambda p: (p.name, p.value)):
        part: Any
        try:
            part = point.load()
        except Exception as fault:  # another's code: whatever it raises must not stop what does not need it
            part = fault
        yield point, part


def package_of(point: EntryPoint) -> str:
    """The package of an entry point, with its version."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value

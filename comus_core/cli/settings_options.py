"""A settings class as arguments and options of a command, and an object of it as the words of a command line."""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from comus_core.cli.paths import note_force
from comus_core.settings import assigned, flat, from_dict, json_or_text, merge, to_dict

Parameter = Callable[[Any], Any]  # a decorator of click's
ASSIGNMENTS = "assignments"
METAVARS = {"out": "PATH", "dataset": "DATASET", "matching_from": "RUN", "cluster": "CLUSTER", "to": "CLUSTER"}
METAVARS |= {"csv": "FILE", "from_": "FILE", "picture": "FILE", "move_to": "CLUSTER", "path": "FILE|DIR"}
METAVARS |= {"to_": "FOLDER", "names": "FILE"}


def parameters(settings: type, arguments: Sequence[str]) -> list[Parameter]:
    """Arguments and options of a settings class: a flag, a number, a choice or a text for each setting.

    Nested settings are given by `--set NAME=VALUE`.
    """
    fields: dict[str, FieldInfo] = settings.__pydantic_fields__  # type: ignore[attr-defined]
    positional = [_argument(name, fields[name]) for name in arguments]
    nested = [name for name, field in fields.items() if _is_nested(field)]
    options = [_option(name, fields[name]) for name in fields if name not in (*arguments, *nested)]
    if nested:
        help_ = f"A setting of {' or '.join(nested)}; repeatable."
        options.append(click.option("--set", ASSIGNMENTS, multiple=True, metavar="NAME=VALUE", help=help_))
    return positional + options


def from_parameters(settings: type, values: Mapping[str, Any]) -> Any:
    """The settings object of a command's parameters; what was not given keeps its default.

    Raises:
        SettingsError: a value out of range, or an unknown setting behind `--set`.
    """
    known: dict[str, FieldInfo] = settings.__pydantic_fields__  # type: ignore[attr-defined]
    chosen = {name: _plain(value) for name, value in values.items() if name in known}
    return from_dict(settings, merge(chosen, assigned(values.get(ASSIGNMENTS, ()))))


def as_words(settings: Any, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """(arguments, options) that mean exactly these settings; what is a default is left out."""
    fields: dict[str, FieldInfo] = type(settings).__pydantic_fields__
    positional = [word for name in arguments for word in _listed(getattr(settings, name))]
    options: list[str] = []
    for name, field in fields.items():
        value = getattr(settings, name)
        if name not in arguments and value != field.get_default(call_default_factory=True):
            options += _words(name, value, field)
    return positional, options


def argument_help(settings: type, arguments: Sequence[str]) -> str:
    """A line on each argument, as the help of a command shows it."""
    fields: dict[str, FieldInfo] = settings.__pydantic_fields__  # type: ignore[attr-defined]
    return "\n\n".join(f"{_metavar(name, fields[name])}: {fields[name].description}" for name in arguments)


def _argument(name: str, field: FieldInfo) -> Parameter:
    kind, several = _kind(field)
    more: dict[str, Any] = {"nargs": -1} if several else {}
    return click.argument(name, metavar=_metavar(name, field), type=kind, required=field.is_required(), **more)


def _metavar(name: str, field: FieldInfo) -> str:
    several = _kind(field)[1]
    metavar = METAVARS.get(name, name.upper().removesuffix("S") if several else name.upper())
    return f"{metavar}…" if several else metavar if field.is_required() else f"[{metavar}]"


def _option(name: str, field: FieldInfo) -> Parameter:
    kind, several = _kind(field)
    flag, words = _flag(name), field.description or ""
    if kind is bool and name == "force":
        return click.option(flag, is_flag=True, is_eager=True, callback=note_force, help=words)
    if kind is bool:
        both = f"{flag}/--no-{flag[2:]}" if field.default else flag
        return click.option(both, name, is_flag=True, default=field.default, help=words)
    metavar = None if isinstance(kind, click.Choice) else METAVARS.get(name, {int: "N", float: "X"}.get(kind, "NAME"))
    default = None if field.is_required() or field.default in (None, ()) else field.default
    return click.option(
        flag,
        name,
        type=kind,
        metavar=metavar,
        default=default,
        show_default=default is not None,
        required=field.is_required(),
        multiple=several,
        help=words,
    )


def _kind(field: FieldInfo) -> tuple[Any, bool]:
    """The type of click's for a setting, and whether it takes several values."""
    kind = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is tuple:
        return get_args(kind)[0], True
    if get_origin(kind) is not None and get_origin(kind) is not Literal:  # Annotated inside a union
        kind = get_args(kind)[0]
    return (click.Choice(get_args(kind)) if get_origin(kind) is Literal else kind), False


def _is_nested(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and dataclasses.is_dataclass(field.annotation)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _words(name: str, value: Any, field: FieldInfo) -> Iterator[str]:
    flag = _flag(name)
    if isinstance(value, bool):
        yield flag if value else f"--no-{flag[2:]}"
    elif _is_nested(field):
        start = flat({name: to_dict(field.get_default(call_default_factory=True))})
        for dotted, one in flat({name: to_dict(value)}).items():
            if one != start[dotted]:
                yield from ("--set", f"{dotted}={one if json_or_text(str(one)) == one else json.dumps(one)}")
    else:
        for one in _listed(value):
            yield from (flag, one)


def _flag(name: str) -> str:
    """The option of a setting; a word of Python's, such as `from`, has an underscore behind it there."""
    return f"--{name.removesuffix('_').replace('_', '-')}"


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return [f"{value:g}" if isinstance(value, float) else str(value)]

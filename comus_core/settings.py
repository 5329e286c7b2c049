"""What every settings object is: frozen, checked by pydantic when it is made, read from and written as JSON.

A field's docstring is its description, in the JSON schema, the reference and the forms alike.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from comus_core.errors import SettingsError

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[int, Field(ge=1)]

# pydantic's kinds of error in our words; braces name what it says of the bound.
PHRASES = {
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be finite",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "dataclass_type": "is not an object of settings",
}
UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
MISSING = ("missing", "missing_argument")

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field, Field))
def settings(cls: type[T]) -> type[T]:
    """Make a class of annotated fields a frozen dataclass whose values are checked; faults are `SettingsError`s."""
    config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)
    made: Any = validated(cls, frozen=True, config=config)
    plain = made.__init__

    @functools.wraps(plain)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            plain(self, *args, **kwargs)
        except ValidationError as error:
            raise SettingsError(fault_words(made, error)) from None

    made.__init__ = checked
    return made  # type: ignore[no-any-return]


def require(condition: bool, message: str) -> None:
    """Raise `SettingsError(message)` unless `condition` holds."""
    if not condition:
        raise SettingsError(message)


def check_choice(what: str, value: str, choices: Any) -> None:
    """Raise `SettingsError`, listing the valid values, unless `value` is one of a `Literal`'s."""
    valid = get_args(choices)
    require(value in valid, f"{what} '{value}': choose one of {', '.join(valid)}")


def to_dict(values: Any) -> dict[str, Any]:
    """A settings object as plain JSON values: lists for tuples."""
    return dataclasses.asdict(values, dict_factory=_plain)


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """The settings object of plain JSON values, those of nested settings in their place.

    Raises:
        SettingsError: an unknown setting (the valid ones are listed), a missing one, a value out of range.
    """
    require(isinstance(values, Mapping), f"{values!r} is not an object of settings")
    try:
        kind: Any = cls
        made: T = _adapter(kind).validate_json(json.dumps(values))
        return made
    except ValidationError as error:
        raise SettingsError(fault_words(cls, error)) from None


def changed(values: T, changes: Mapping[str, Any]) -> T:
    """A settings object with some settings changed, given nested or under dotted names such as `saliency.threshold`.

    Raises:
        SettingsError: an unknown setting, a value out of range.
    """
    return from_dict(type(values), merge(to_dict(values), nested(changes)))


def json_schema(cls: type) -> dict[str, Any]:
    """The JSON schema of a settings class, with the fields' docstrings as descriptions."""
    kind: Any = cls
    return _adapter(kind).json_schema()


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, nested dictionaries merged and None left out."""
    merged = dict(base)
    for key, value in changes.items():
        if isinstance(value, dict):
            merged[key] = merge(merged.get(key, {}), value)
        elif value is not None:
            merged[key] = value
    return merged


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings under dotted names, such as `saliency.threshold`."""
    named: dict[str, Any] = {}
    for name, value in values.items():
        named |= flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return named


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under dotted names as `from_dict` takes them; what is None is left out."""
    whole: dict[str, Any] = {}
    for name, value in values.items():
        for part in reversed(name.split(".")):
            value = {part: value}
        whole = merge(whole, value)
    return whole


def assigned(words: Iterable[str]) -> dict[str, Any]:
    """The settings that words such as `saliency.threshold=0.4` give, nested as `from_dict` takes them.

    Values are read as JSON, and as plain text where they are none.

    Raises:
        SettingsError: a word without `=`.
    """
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        require(bool(name and equals), f"--set {word}: write NAME=VALUE, such as saliency.threshold=0.4")
        values[name] = json_or_text(text)
    return nested(values)


def json_or_text(text: str) -> Any:
    """A value as JSON, or as the text that it is where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def fault_words(cls: type, error: ValidationError) -> str:
    """All that pydantic found wrong, in one sentence: each setting by its dotted name, its value, what it must be."""
    faults: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    unknown: dict[str, type] = {}
    for fault in error.errors():
        name, holder = _place(cls, fault["loc"])
        if fault["type"] in UNKNOWN:
            unknown[name] = holder
        elif fault["type"] in MISSING:
            faults.setdefault(name, []).append("is missing")
        else:
            values[name] = fault["input"]
            faults.setdefault(name, []).append(_phrase(fault))
    lines = [" ".join([name, *_shown(values, name)]) + " or ".join(dict.fromkeys(w)) for name, w in faults.items()]
    for holder in dict.fromkeys(unknown.values()):
        names = ", ".join(sorted(name for name, of in unknown.items() if of is holder))
        lines.append(f"unknown setting {names}: valid are {', '.join(sorted(_fields(holder)))}")
    return "; ".join(lines)


def _shown(values: Mapping[str, Any], name: str) -> list[str]:
    return [f"{values[name]!r}: "] if name in values else [""]


def _phrase(fault: Any) -> str:
    if fault["type"] == "literal_error":
        choices = str(fault["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        return f"choose one of {choices}"
    if fault["type"] not in PHRASES:
        return str(fault["msg"])
    bounds = {name: f"{bound:g}" if isinstance(bound, float) else bound for name, bound in fault.get("ctx", {}).items()}
    return PHRASES[fault["type"]].format(**bounds)


def _place(cls: type, location: tuple[int | str, ...]) -> tuple[str, type]:
    """A setting's dotted name and the class that holds it; what pydantic says of unions and lists is left out."""
    names: list[str] = []
    holder = cls
    for part in location:
        fields = _fields(holder)
        name = list(fields)[part] if isinstance(part, int) and not names else str(part)
        names.append(name)
        below = fields.get(name)
        if not isinstance(below, type) or not dataclasses.is_dataclass(below):
            break
        holder = below
    return ".".join(names) or cls.__name__, holder


@lru_cache(maxsize=64)
def _fields(cls: Any) -> dict[str, Any]:
    """A settings class's fields and the types that pydantic resolved for them."""
    return {name: field.annotation for name, field in cls.__pydantic_fields__.items()}


@lru_cache(maxsize=64)
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)

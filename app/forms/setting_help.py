"""What a setting means, for the "?" beside its field: the description that the reference has too. No Streamlit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from comus_core.config import RunConfig
from comus_core.settings import json_schema


def words(name: str, of: type = RunConfig) -> str:
    """The description of a setting, of a run where no other class is given, by a dotted name: `saliency.threshold`.

    Raises:
        KeyError: there is no such setting, or it has no description.
    """
    schema = _schema(of)
    holder: dict[str, Any] = schema
    *groups, last = name.split(".")
    for group in groups:
        holder = _resolved(schema, holder["properties"][group])
    return str(holder["properties"][last]["description"])


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The object that a part of the schema refers to."""
    reference = part.get("$ref") or next((one["$ref"] for one in part.get("allOf", ()) if "$ref" in one), "")
    return dict(schema["$defs"][reference.rpartition("/")[2]]) if reference else part


@lru_cache(maxsize=4)
def _schema(of: type) -> dict[str, Any]:
    return json_schema(of)

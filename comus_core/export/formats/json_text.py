"""JSON as exports write it: compact, UTF-8, the same bytes for the same values."""

from __future__ import annotations

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def json_bytes(value: Any) -> bytes:
    """A value in one line."""
    return _ENCODER.encode(value).encode("utf-8", "replace")

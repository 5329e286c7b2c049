"""Scripts of keys: each behind the piece that all share, so that a field and an undo mean the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_SHARED = Path(__file__).with_suffix(".js")


def script(own: Path) -> str:
    """The JavaScript of a component of keys: a component is one module, so the shared piece comes before its `own`."""
    return _SHARED.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")


def table(keys: Mapping[str, str]) -> str:
    """Markdown of a list of keys and what they do."""
    return "\n".join(["| Key | Action |", "|---|---|", *(f"| `{key}` | {does} |" for key, does in keys.items())])

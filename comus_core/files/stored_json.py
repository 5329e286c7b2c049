"""Results that are kept as JSON files of the workspace, read so that a damaged one is told."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError


def stored_result(path: Path, needed: Collection[str], advice: str) -> dict[str, Any] | None:
    """The object in a file, or None if there is no file.

    Args:
        path: of the file.
        needed: keys without which it is no such result.
        advice: what makes the file anew, such as "compare the detectors again".

    Raises:
        WorkspaceError: the file is damaged or cannot be read.
    """
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"{path}: {error}; {advice}") from None
    if not isinstance(found, dict) or not set(needed) <= set(found):
        raise WorkspaceError(f"{path}: not a stored result; {advice}")
    return found

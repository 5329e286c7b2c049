"""What verbs return, as plain JSON values: what `--json` writes and a job keeps."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from comus_core.workspace import Run
from comus_core.workspace.trainings import Training


def result_json(result: Any) -> Any:
    """A result as JSON: of runs and trainings theirs, of others their fields."""
    if isinstance(result, Run | Training):
        return result.result
    if isinstance(result, list):
        return [result_json(entry) for entry in result]
    if hasattr(result, "to_json"):
        return result.to_json()
    return result if isinstance(result, dict) else json.loads(json.dumps(asdict(result), default=str))

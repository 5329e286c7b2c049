"""A job row for tests that need no workspace."""

from pathlib import Path

from comus_core.jobs.records import Job


def job(**values) -> Job:
    base = {"id": 1, "kind": "discover", "subject": None, "settings": {}, "state": "running", "device": "cpu"}
    return Job(**{**base, "folder": Path("/"), "log_path": Path("1.log"), "created_at": 0.0, **values})

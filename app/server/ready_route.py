"""The route that says whether the server can work, for people and for what watches over containers. No Streamlit."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.data.run_cache import workspace
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.maintenance.health import health, is_ready
from comus_core.person import STRANGER, acting
from comus_core.workspace import Workspace

KEPT_SECONDS = 5.0  # what strangers are told is looked up so seldom: they must not keep the database busy
_told: dict[Path, tuple[float, bool]] = {}  # workspace -> when it was looked at, and whether it was ready


def routes() -> list[Route]:
    """`/api/ready`, which answers those who are not logged in too, with a yes or no."""
    return [Route("/api/ready", ready)]


def ready(_: Request) -> Response:
    """200 if what the server needs is well, else 503; to those who are logged in, each thing and what to do."""
    said: dict[str, Any] = {}
    try:
        if acting() is STRANGER:
            well = _is_ready_for_strangers(workspace())
        else:
            checks = health(workspace())
            well = is_ready(checks)
            said["runs"] = len(workspace().runs.all(archived=True))
            said["jobs"] = len(jobs.list_jobs(workspace(), jobs.ACTIVE))
            said["checks"] = {check.name: check.as_json() for check in checks}
    except ComusError as error:
        return JSONResponse({"ready": False} | ({} if acting() is STRANGER else {"error": str(error)}), 503)
    return JSONResponse({"ready": well} | said, 200 if well else 503)


def _is_ready_for_strangers(place: Workspace) -> bool:
    now = time.monotonic()
    at, well = _told.get(place.root, (-KEPT_SECONDS, False))
    if now - at >= KEPT_SECONDS:
        well = is_ready(health(place, only_needed=True))
        _told[place.root] = now, well
    return well

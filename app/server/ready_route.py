"""The route that says whether the server can work, for people and for what watches over containers. No Streamlit."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.data.run_cache import workspace
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.maintenance.health import health, is_ready
from comus_core.person import STRANGER, acting


def routes() -> list[Route]:
    """`/api/ready`, which answers those who are not logged in too, with a yes or no."""
    return [Route("/api/ready", ready)]


def ready(_: Request) -> Response:
    """200 if what the server needs is well, else 503; to those who are logged in, each thing and what to do."""
    stranger = acting() is STRANGER
    said: dict[str, Any] = {}
    try:
        checks = health(workspace(), only_needed=stranger)
        if not stranger:
            said["runs"] = len(workspace().runs.all(archived=True))
            said["jobs"] = len(jobs.list_jobs(workspace(), jobs.ACTIVE))
            said["checks"] = {check.name: check.as_json() for check in checks}
    except ComusError as error:
        return JSONResponse({"ready": False} | ({} if stranger else {"error": str(error)}), 503)
    return JSONResponse({"ready": is_ready(checks)} | said, 200 if is_ready(checks) else 503)

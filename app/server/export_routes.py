"""The route that sends an export that was made for download. No Streamlit."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.data.run_cache import workspace
from comus_core.errors import ComusError
from comus_core.pipelines.kept_files import kept_export


def routes() -> list[Route]:
    """`/api/runs/{run}/exports/{key}`."""
    return [Route("/api/runs/{run}/exports/{key}", send)]


def address(run_id: str, key: str) -> str:
    """Where an export can be downloaded."""
    return f"api/runs/{quote(run_id, safe='')}/exports/{quote(key, safe='')}"


def send(request: Request) -> Response:
    """The zip, under the name that it has in the workspace."""
    try:
        kept = kept_export(workspace(), request.path_params["run"], request.path_params["key"])
    except ComusError as fault:
        return JSONResponse({"error": str(fault)}, 404)
    return FileResponse(kept.path, media_type="application/zip", filename=kept.path.name)

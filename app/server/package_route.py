"""The route that sends a package of the workspace as a zip. No Streamlit."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data.run_cache import workspace
from app.server.zip_response import send_zip
from comus_core.pipelines.package_folder import stored_package, zip_package


def routes() -> list[Route]:
    """`/api/runs/{run}/packages/{name}`."""
    return [Route("/api/runs/{run}/packages/{name}", send)]


def send(request: Request) -> Response:
    """The zip, written in the workspace and removed after it was sent."""
    place = workspace()

    def write(path: Path) -> str:
        folder = stored_package(place, request.path_params["run"], request.path_params["name"])
        zip_package(folder, path)
        return f"{folder.name}.zip"

    return send_zip(place, "package", write)

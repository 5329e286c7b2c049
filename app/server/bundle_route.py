"""The route that writes a run's bundle and sends it. No Streamlit."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.data.run_cache import workspace
from app.server import pictures
from app.server.zip_response import send_zip
from comus_core.export.bundle import Readable, bundle
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.workspace import Run, Workspace


def routes() -> list[Route]:
    """`/api/runs/{run}/bundle`: `images` 1 or 0."""
    return [Route("/api/runs/{run}/bundle", send)]


def send(request: Request) -> Response:
    """The zip, written in the workspace and removed after it was sent."""
    place = workspace()

    def write(path: Path) -> str:
        run = place.runs.get(request.path_params["run"])
        settings = BundleSettings(str(path), images=request.query_params.get("images") != "0")
        bundle(run, place, settings, readable=_readable(place, run))
        return f"{run.id}.zip"

    return send_zip(place, "bundle", write)


def _readable(place: Workspace, run: Run) -> Readable:
    """As for images: a link that leads out of the run's folder and of the allowed roots is refused."""
    own = place.images_root(run)
    return lambda image, path: pictures.shown_path(image, path, own, place.root)

"""The route that writes a run's bundle and sends it. No Streamlit."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.data.run_cache import workspace
from app.server import pictures
from comus_core.errors import ComusError
from comus_core.export.bundle import Readable, bundle
from comus_core.files.atomic import disk_error
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.workspace import Run, Workspace
from comus_core.workspace.claims import claimed


def routes() -> list[Route]:
    """`/api/runs/{run}/bundle`: `images` 1 or 0."""
    return [Route("/api/runs/{run}/bundle", send)]


def send(request: Request) -> Response:
    """The zip, written in the workspace and removed after it was sent."""
    place = workspace()
    try:
        run = place.runs.get(request.path_params["run"])
        with tempfile.NamedTemporaryFile(dir=place.root, prefix=".bundle-", suffix=".zip", delete=False) as file:
            path = Path(file.name)
        claims = ExitStack()
        try:
            claims.enter_context(claimed(place.root))(path)
            with_images = request.query_params.get("images") != "0"
            settings = BundleSettings(str(path), images=with_images)
            bundle(run, place, settings, readable=_readable(place, run))
        except BaseException:
            _sent(path, claims)
            raise
    except ComusError as fault:
        return JSONResponse({"error": str(fault)}, 404)
    except OSError as error:  # nothing can be kept in the workspace
        return JSONResponse({"error": str(disk_error(error, place.root))}, 507)
    clean_up = BackgroundTask(_sent, path, claims)
    return FileResponse(path, media_type="application/zip", filename=f"{run.id}.zip", background=clean_up)


def _sent(path: Path, claims: ExitStack) -> None:
    path.unlink(missing_ok=True)
    claims.close()


def _readable(place: Workspace, run: Run) -> Readable:
    """As for images: a link that leads out of the run's folder and of the allowed roots is refused."""
    own = place.images_root(run)
    return lambda image, path: pictures.shown_path(image, path, own, place.root)

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
    """`/api/runs/{run}/bundle`: `photographs` 1 or 0."""
    return [Route("/api/runs/{run}/bundle", send)]


def send(request: Request) -> Response:
    """The zip, written in the workspace and removed when it was sent."""
    place = workspace()
    try:
        run = place.runs.get(request.path_params["run"])
        with tempfile.NamedTemporaryFile(dir=place.root, prefix=".bundle-", suffix=".zip", delete=False) as file:
            path = Path(file.name)
        held = ExitStack()
        try:
            held.enter_context(claimed(place.root))(path)
            settings = BundleSettings(str(path), images=request.query_params.get("photographs") != "0")
            bundle(run, place, settings, readable=_readable(place, run))
        except BaseException:
            _sent(path, held)
            raise
    except ComusError as fault:
        return JSONResponse({"error": str(fault)}, 404)
    except OSError as error:  # nothing can be kept in the workspace
        return JSONResponse({"error": str(disk_error(error, place.root))}, 507)
    done = BackgroundTask(_sent, path, held)
    return FileResponse(path, media_type="application/zip", filename=f"{run.id}.zip", background=done)


def _sent(path: Path, held: ExitStack) -> None:
    path.unlink(missing_ok=True)
    held.close()


def _readable(place: Workspace, run: Run) -> Readable:
    """As for pictures: what links lead out of the run's folder and of the allowed roots is refused."""
    own = place.images_root(run)
    return lambda image, path: pictures.shown_path(image, path, own, place.root)
